//! What the IDL was read from, so that a later run can tell, without compiling, that it would read the same.
//!
//! In: what was found and opened. Out: the names that were asked for, found or not, and one number for all that they led to.
//! A file that is new in a folder, or that comes before another one in the include roots, changes the number, too.

use std::collections::BTreeSet;

use super::Input;
use super::inputs::seek;
use super::roots::{Opened, look_up};
use crate::diag::Diagnostics;
use crate::files::hash;

/// What a run has read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    /// The files that the compiler asked for, as imports call them; those of protobuf itself left out.
    pub asked: BTreeSet<String>,
    /// The same as long as the IDL is.
    pub digest: u64,
}

impl Trace {
    /// The trace of IDL text.
    pub(super) fn new(targets: &BTreeSet<String>, opened: &Opened) -> Self {
        Self { asked: opened.keys().cloned().collect(), digest: hash((targets, opened)) }
    }

    /// The trace of a descriptor set.
    pub(super) fn of_set(bytes: &[u8], files: &[String]) -> Self {
        Self { asked: BTreeSet::new(), digest: hash((bytes, files)) }
    }

    /// The trace that a run would leave now, if it asked for the same, and what it would find; nothing where it would have to
    /// complain.
    pub(crate) fn again(input: &Input, asked: &BTreeSet<String>) -> Option<(Self, Opened)> {
        let (inputs, includes) = match input {
            Input::Proto { inputs, includes, .. } => (inputs, includes),
            Input::DescriptorSet { bytes, files } => {
                return Some((Self::of_set(bytes, files), Opened::new()));
            }
        };
        let mut diags = Diagnostics::default();
        let sought = seek(inputs, includes, &mut diags);
        let look = |name: &String| Some((name.clone(), look_up(&sought.roots, name).ok()?));
        let opened: Opened = asked.iter().map(look).collect::<Option<_>>()?;
        diags.is_empty().then(|| (Self::new(&sought.names, &opened), opened))
    }
}
