//! The one function behind every door.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::diag::Diagnostics;
use crate::files::Files;
use crate::idl::{self, Earlier, Input, Loaded, Record, Trace};
use crate::plan::Plan;
use crate::reuse::Memory;
use crate::settings::Settings;
use crate::{check, emit, messages, plan, reuse};

/// What a run produced, in memory.
#[derive(Debug)]
pub struct Output {
    /// The generated files.
    pub files: Files,
    /// What a person should know.
    pub warnings: Diagnostics,
    /// The files and folders that the output depends on.
    pub read: BTreeSet<PathBuf>,
    /// The same for a later run.
    pub(crate) trace: Trace,
    /// What each file of a package was printed from, as a number.
    pub(crate) keys: BTreeMap<String, u64>,
    /// What a later run need not compile again.
    pub(crate) records: Vec<Record>,
}

/// Turns IDL into files. Every door ends here.
///
/// # Errors
/// Everything that is wrong with the IDL, as far as one stage can see it; nothing was written then.
pub fn generate(input: &Input, settings: &Settings) -> Result<Output, Diagnostics> {
    generate_again(input, settings, Memory::default(), &|_| {})
}

/// The same, with less to do where what is remembered holds. `tell` is told what is done now.
pub(crate) fn generate_again(
    input: &Input,
    settings: &Settings,
    memory: Memory,
    tell: &dyn Fn(&str),
) -> Result<Output, Diagnostics> {
    let mut diags = Diagnostics::default();
    let Memory { pages, earlier } = memory;
    let (loaded, plan) = understand(input, settings, earlier, tell, &mut diags);
    let Loaded { mut model, read, trace, records } = loaded;
    diags.stop_on_error()?;
    let keys = reuse::keys(&model, &plan, settings);
    let held = reuse::held(&keys, pages);
    tell(&format!("printing {} packages", plan.packages.len() - held.len()));
    reuse::narrow(&mut model, &plan, &held);
    let messages = messages::print(&model, &plan, &mut diags);
    diags.stop_on_error()?;
    let mut files = Files::default();
    for (name, file) in emit::emit(&plan, &messages, held) {
        files.insert(name, file);
    }
    Ok(Output { files, warnings: diags, read, trace, keys, records })
}

/// What is wrong with the IDL, for those who found something wrong before and cannot go on.
pub(crate) fn mistakes(input: &Input, settings: &Settings) -> Diagnostics {
    let mut diags = Diagnostics::default();
    understand(input, settings, Earlier::default(), &|_| {}, &mut diags);
    diags.errors_alone()
}

/// Everything up to the plan. What a rule forbids can be planned all the same, so all that is wrong is found at once.
pub(crate) fn understand(
    input: &Input,
    settings: &Settings,
    earlier: Earlier,
    tell: &dyn Fn(&str),
    diags: &mut Diagnostics,
) -> (Loaded, Plan) {
    tell("reading the IDL");
    let loaded = idl::load(input, settings, earlier, diags);
    if diags.has_errors() && loaded.model.files.is_empty() {
        return (loaded, Plan::default());
    }
    tell(&format!("planning the code of {} files", loaded.model.files.len()));
    check::all(&loaded.model, settings, diags);
    let plan = plan::plan(&loaded.model, settings, diags);
    (loaded, plan)
}
