//! The build-script door.

use std::env;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::files;
use crate::generate::generate;
use crate::idl::Input;
use crate::settings::{Overrides, Settings};

/// Generates in a build script.
///
/// ```no_run
/// // build.rs
/// fn main() -> Result<(), jovian::diag::Diagnostics> {
///     jovian::Builder::new().input("proto").generate()
/// }
/// ```
///
/// and where the code is wanted: `include!(concat!(env!("OUT_DIR"), "/mod.rs"));` inside a module.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    inputs: Vec<String>,
    includes: Vec<PathBuf>,
    descriptor_set: Option<Vec<u8>>,
    out_dir: Option<PathBuf>,
    overrides: Overrides,
}

impl Builder {
    /// A builder without input.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file, a folder with all `.proto` files below it, or a glob.
    #[must_use]
    pub fn input(mut self, input: impl AsRef<Path>) -> Self {
        self.inputs.push(input.as_ref().to_string_lossy().into_owned());
        self
    }

    /// Adds a folder in which imports are looked up. Without any, the inputs' folders are taken.
    #[must_use]
    pub fn include(mut self, dir: impl Into<PathBuf>) -> Self {
        self.includes.push(dir.into());
        self
    }

    /// Takes an encoded `google.protobuf.FileDescriptorSet` instead of IDL text; inputs are then names of files in it.
    #[must_use]
    pub fn descriptor_set(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.descriptor_set = Some(bytes.into());
        self
    }

    /// Writes into this folder instead of cargo's `OUT_DIR`.
    #[must_use]
    pub fn out_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.out_dir = Some(dir.into());
        self
    }

    /// Whether clients are generated; they are unless said otherwise.
    #[must_use]
    pub fn client(mut self, yes: bool) -> Self {
        self.overrides.client = Some(yes);
        self
    }

    /// Whether servers are generated; they are unless said otherwise.
    #[must_use]
    pub fn server(mut self, yes: bool) -> Self {
        self.overrides.server = Some(yes);
        self
    }

    /// Generates: writes what changed, removes what is stale, and tells cargo what to watch.
    ///
    /// # Errors
    /// Everything that is wrong with the IDL; nothing was written then.
    pub fn generate(self) -> Result<(), Diagnostics> {
        let out_dir =
            self.out_dir.or_else(|| env::var_os("OUT_DIR").map(PathBuf::from)).ok_or_else(|| {
                Diagnostic::error(Code::Setting, "no output folder")
                    .help("run it in a build script, where cargo sets `OUT_DIR`, or call `out_dir`")
            })?;
        let input = match self.descriptor_set {
            Some(bytes) => Input::DescriptorSet { bytes, files: self.inputs },
            None => Input::Proto { inputs: self.inputs, includes: self.includes },
        };
        let output = generate(&input, &Settings::resolve([self.overrides]))?;
        let refused = |error: io::Error| Diagnostics::from(files::refused(&out_dir, &error));
        output.files.compare(&out_dir).and_then(|changes| changes.apply()).map_err(refused)?;
        let mut cargo = io::stdout().lock();
        let watched = output.read.iter().map(|path| format!("cargo::rerun-if-changed={}", path.display()));
        let warnings = output.warnings.iter().map(|warning| {
            let place = warning.span.as_ref().map(|span| format!(" ({span})")).unwrap_or_default();
            format!("cargo::warning={}{place}", warning.message)
        });
        watched.chain(warnings).try_for_each(|line| writeln!(cargo, "{line}")).map_err(refused)
    }
}
