//! The build-script door.

use std::env;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::cache::{self, Cache, Known};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::files;
use crate::generate::generate_again;
use crate::idl::Input;
use crate::settings::{Overrides, Setting, Settings};

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
    protoc: Option<PathBuf>,
    choices: Vec<(String, String)>,
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

    /// Names the protoc that compiles files which need an edition; else it is what the variable `PROTOC` says, or the
    /// `protoc` in PATH. Other files need none.
    #[must_use]
    pub fn protoc(mut self, program: impl Into<PathBuf>) -> Self {
        self.protoc = Some(program.into());
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
    pub fn client(self, yes: bool) -> Self {
        self.set("client", yes.to_string())
    }

    /// Whether messages and enums have serde's traits, after the JSON mapping of protobuf; they have not unless said
    /// otherwise. It takes the feature `serde` of `jovian-runtime`.
    #[must_use]
    pub fn serde(self, yes: bool) -> Self {
        self.set("serde", yes.to_string())
    }

    /// Whether servers are generated; they are unless said otherwise.
    #[must_use]
    pub fn server(self, yes: bool) -> Self {
        self.set("server", yes.to_string())
    }

    /// Generates this package and those below it, and no others but for the types they need; may be called again.
    #[must_use]
    pub fn package(self, name: impl Into<String>) -> Self {
        self.set("packages", name)
    }

    /// Generates this service (`shop.v1.Orders`) and no others; may be called again.
    #[must_use]
    pub fn service(self, name: impl Into<String>) -> Self {
        self.set("services", name)
    }

    /// Takes a package or a type from another crate: `.shop.common` and `::common_idl::shop::common`.
    #[must_use]
    pub fn extern_path(self, name: impl Into<String>, path: impl Into<String>) -> Self {
        self.set("extern-path", pair(name, path))
    }

    /// Calls something by another name in Rust: `shop.v1.Foo_Bar` and `OtherFooBar`. Nothing changes on the wire.
    #[must_use]
    pub fn rename(self, name: impl Into<String>, ident: impl Into<String>) -> Self {
        self.set("rename", pair(name, ident))
    }

    /// Says what a service is called in Java: `shop.v1.Orders` and `com.example.shop.Orders`.
    #[must_use]
    pub fn java_interface(self, service: impl Into<String>, interface: impl Into<String>) -> Self {
        self.set("java-interface", pair(service, interface))
    }

    /// Warns of what programs of a kind cannot use: `java`, which is Dubbo's, or `kitex`.
    #[must_use]
    pub fn peer(self, peer: impl Into<String>) -> Self {
        self.set("peers", peer)
    }

    /// Uses `bytes::Bytes` for the `bytes` fields that the selector selects: `.` all, `.shop.v1` those declared in it,
    /// `Order.id` those whose names end so.
    #[must_use]
    pub fn bytes(self, selector: impl Into<String>) -> Self {
        self.set("bytes", selector)
    }

    /// Uses a `BTreeMap` for the map fields that the selector selects.
    #[must_use]
    pub fn btree_map(self, selector: impl Into<String>) -> Self {
        self.set("btree-map", selector)
    }

    /// Puts the message fields that the selector selects into a `Box`.
    #[must_use]
    pub fn boxed(self, selector: impl Into<String>) -> Self {
        self.set("boxed", selector)
    }

    /// Leaves the `Debug` of the messages that the selector selects to you.
    #[must_use]
    pub fn skip_debug(self, selector: impl Into<String>) -> Self {
        self.set("skip-debug", selector)
    }

    /// Adds an attribute to messages, enums and oneofs: `.` and `#[derive(Hash)]`.
    #[must_use]
    pub fn type_attribute(self, selector: impl Into<String>, attribute: impl Into<String>) -> Self {
        self.set("type-attribute", pair(selector, attribute))
    }

    /// Adds an attribute to messages.
    #[must_use]
    pub fn message_attribute(self, selector: impl Into<String>, attribute: impl Into<String>) -> Self {
        self.set("message-attribute", pair(selector, attribute))
    }

    /// Adds an attribute to enums.
    #[must_use]
    pub fn enum_attribute(self, selector: impl Into<String>, attribute: impl Into<String>) -> Self {
        self.set("enum-attribute", pair(selector, attribute))
    }

    /// Adds an attribute to fields and variants of oneofs.
    #[must_use]
    pub fn field_attribute(self, selector: impl Into<String>, attribute: impl Into<String>) -> Self {
        self.set("field-attribute", pair(selector, attribute))
    }

    /// Adds an attribute to the traits of services.
    #[must_use]
    pub fn trait_attribute(self, selector: impl Into<String>, attribute: impl Into<String>) -> Self {
        self.set("trait-attribute", pair(selector, attribute))
    }

    /// Adds an attribute to the servers of services.
    #[must_use]
    pub fn server_attribute(self, selector: impl Into<String>, attribute: impl Into<String>) -> Self {
        self.set("server-attribute", pair(selector, attribute))
    }

    /// Adds an attribute to the clients of services.
    #[must_use]
    pub fn client_attribute(self, selector: impl Into<String>, attribute: impl Into<String>) -> Self {
        self.set("client-attribute", pair(selector, attribute))
    }

    /// Chooses any setting by its name in `jovian.toml`, with a value as on the command line: `extern-path` and
    /// `.shop.common=::common_idl::shop::common`.
    #[must_use]
    pub fn set(mut self, setting: impl Into<String>, value: impl Into<String>) -> Self {
        self.choices.push((setting.into(), value.into()));
        self
    }

    fn settings(&self) -> Result<Settings, Diagnostics> {
        let (mut overrides, mut diags) = (Overrides::default(), Diagnostics::default());
        for (name, value) in &self.choices {
            Setting::set_by_name(&mut overrides, name, value, &mut diags);
        }
        diags.stop_on_error().map(|()| Settings::resolve([overrides]))
    }

    /// Generates: writes what changed, removes what is stale, and tells cargo what to watch.
    ///
    /// # Errors
    /// Everything that is wrong with the IDL; nothing was written then.
    pub fn generate(self) -> Result<(), Diagnostics> {
        let settings = self.settings()?;
        let out_dir =
            self.out_dir.or_else(|| env::var_os("OUT_DIR").map(PathBuf::from)).ok_or_else(|| {
                Diagnostic::error(Code::Setting, "no output folder")
                    .help("run it in a build script, where cargo sets `OUT_DIR`, or call `out_dir`")
            })?;
        let asked = self.protoc.is_none();
        let protoc = self.protoc.unwrap_or_else(protoc);
        let input = match self.descriptor_set {
            Some(bytes) => Input::DescriptorSet { bytes, files: self.inputs },
            None => Input::Proto { inputs: self.inputs, includes: self.includes, protoc },
        };
        let refused = |error: io::Error| Diagnostics::from(files::refused(&out_dir, &error));
        // Beside what cargo sees, or nowhere.
        let memory = env::var_os("OUT_DIR").map(|dir| Path::new(&dir).with_file_name(cache::DIR));
        let tool = env::current_exe().unwrap_or_default();
        let mut cache = memory.map(|dir| Cache::open(&dir, &tool, &input, &settings, &out_dir));
        let known = match cache.as_mut().and_then(Cache::nothing_to_do) {
            Some(known) => known,
            None => {
                let memory = cache.as_mut().map(Cache::memory).unwrap_or_default();
                let output = generate_again(&input, &settings, memory, &|_| {})?;
                output.files.update(&out_dir).map_err(refused)?;
                cache.iter().for_each(|cache| cache.keep(&output));
                Known { warnings: output.warnings, read: output.read }
            }
        };
        let mut cargo = io::stdout().lock();
        let watched = known.read.iter().map(|path| format!("cargo::rerun-if-changed={}", path.display()));
        let warnings = known.warnings.iter().map(|warning| {
            let place = warning.span.as_ref().map(|span| format!(" ({span})")).unwrap_or_default();
            format!("cargo::warning={}{place}", warning.message)
        });
        let asked = asked.then(|| "cargo::rerun-if-env-changed=PROTOC".to_owned());
        watched.chain(asked).chain(warnings).try_for_each(|line| writeln!(cargo, "{line}")).map_err(refused)
    }
}

/// An entry of a table.
fn pair(name: impl Into<String>, value: impl Into<String>) -> String {
    name.into() + "=" + &value.into()
}

/// The protoc of this machine: what the variable `PROTOC` says, or the one in PATH.
pub(crate) fn protoc() -> PathBuf {
    env::var_os("PROTOC").filter(|program| !program.is_empty()).unwrap_or_else(|| "protoc".into()).into()
}
