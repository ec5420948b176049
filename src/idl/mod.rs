//! IDL to [`Model`]: the only reader of IDL.
//!
//! In: files, folders and globs; a descriptor set; a plugin request. Out: the model, and which files it was read from.
//! Never: judging what the IDL means (that is `check`) or naming anything in Rust (that is `plan`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use prost::Message as _;
use prost::bytes::Bytes;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::files::hash;
use crate::model::{File, JavaInterface, Locations, Model};
use crate::parallel;
use crate::settings::Settings;

mod canonical;
mod carried;
mod classic;
mod editions;
mod features;
mod inputs;
mod known;
mod limits;
mod lower;
mod options;
mod policy;
mod proto;
mod protoc;
mod raw;
mod reach;
mod redacted;
mod renames;
mod roots;
mod scan;
mod selection;
mod sound;
mod source;
mod trace;

#[cfg(feature = "cli")]
pub(crate) use carried::carried_set;
pub(crate) use carried::{is_carried, is_well_known};
pub(crate) use features::EDITIONS;
pub(crate) use known::{Earlier, Record};
pub(crate) use roots::Opened;
pub(crate) use trace::Trace;

/// Where IDL comes from.
#[derive(Clone, Debug)]
pub enum Input {
    /// IDL text.
    Proto {
        /// Files, folders (all `.proto` files below them) and globs.
        inputs: Vec<String>,
        /// Where imports are looked up, first match first; when empty, the folders of the inputs.
        includes: Vec<PathBuf>,
        /// The program that compiles files which need an edition: a path, or a name in PATH. Started for those alone.
        protoc: PathBuf,
    },
    /// An encoded `google.protobuf.FileDescriptorSet`. Bytes, because decoding by prost drops custom options.
    DescriptorSet {
        /// The set, imports included.
        bytes: Vec<u8>,
        /// The files to print code for; all but well-known ones when empty.
        files: Vec<String>,
    },
}

impl Input {
    /// What protoc hands a plugin, and the plugin's parameter.
    ///
    /// # Errors
    /// When the bytes are no `CodeGeneratorRequest`.
    pub fn from_request(bytes: &[u8]) -> Result<(Self, String), Diagnostics> {
        let request = raw::Request::decode(bytes).map_err(|error| {
            let problem = format!("standard input is no `CodeGeneratorRequest`: {error}");
            Diagnostic::error(Code::Descriptor, problem)
                .help("this program is started by protoc or buf; to generate by hand, run `jovian gen`")
        })?;
        let set = raw::FileSet { files: request.proto_file };
        let input = Self::DescriptorSet { bytes: set.encode_to_vec(), files: request.file_to_generate };
        Ok((input, request.parameter.unwrap_or_default()))
    }
}

/// IDL in its compiled form, wherever it came from.
#[derive(Debug, Default)]
struct Compiled {
    /// Encoded `FileDescriptorProto`s.
    files: Vec<Bytes>,
    /// The names of the files that were asked for.
    targets: BTreeSet<String>,
    /// The path of a file as a person would open it, by its name.
    paths: BTreeMap<String, String>,
    /// Every file that was read, and every folder that was searched.
    read: BTreeSet<PathBuf>,
    /// The same for a later run.
    trace: Trace,
    /// What a later run need not compile again.
    records: Vec<Record>,
}

/// What was read.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// What the IDL says.
    pub model: Model,
    /// The files it was read from and the folders that were searched for it.
    pub read: BTreeSet<PathBuf>,
    /// The same for a later run.
    pub trace: Trace,
    /// What a later run need not compile again.
    pub records: Vec<Record>,
}

/// Reads the IDL. What is wrong with it goes to `diags`; the model is whole only if that has no errors.
///
/// `earlier` is what an earlier run has left, if there was one.
pub(crate) fn load(input: &Input, settings: &Settings, earlier: Earlier, diags: &mut Diagnostics) -> Loaded {
    let compiled = match input {
        Input::Proto { inputs, includes, protoc } => proto::compile(inputs, includes, protoc, earlier, diags),
        Input::DescriptorSet { bytes, files } => unpack(bytes, files, diags),
    };
    if diags.has_errors() {
        return Loaded { read: compiled.read, ..Loaded::default() };
    }
    let model = build(&compiled, settings, diags);
    Loaded { model, read: compiled.read, trace: compiled.trace, records: compiled.records }
}

/// The files of an encoded set.
fn split(set: &[u8]) -> Result<Vec<Bytes>, prost::DecodeError> {
    let files = raw::FileSet::decode(set)?.files;
    Ok(files.into_iter().map(|file| source::slim(file.into())).collect())
}

/// The complaint about descriptors that no compiler of IDL has written.
fn malformed(problem: String) -> Diagnostic {
    Diagnostic::error(Code::Descriptor, problem)
        .help("make it with `protoc --include_imports --include_source_info -o FILE`")
}

fn unpack(bytes: &[u8], files: &[String], diags: &mut Diagnostics) -> Compiled {
    let set = match split(bytes) {
        Ok(set) => set,
        Err(error) => {
            diags.push(malformed(format!("the descriptor set cannot be decoded: {error}")));
            return Compiled::default();
        }
    };
    Compiled {
        files: set,
        targets: files.iter().cloned().collect(),
        trace: Trace::of_set(bytes, files),
        ..Compiled::default()
    }
}

/// One file of [`Compiled`].
struct Decoded {
    raw: raw::File,
    descriptor: prost_types::FileDescriptorProto,
    locations: Locations,
    /// The whole of it, in one form, without comments and places.
    canonical: Vec<u8>,
    digest: u64,
}

impl Decoded {
    fn new(bytes: &Bytes, paths: &BTreeMap<String, String>) -> Result<Self, prost::DecodeError> {
        // First, because it ends where it gets too deep.
        let raw = raw::File::decode(bytes.as_ref())?;
        let canonical = canonical::file(bytes);
        let locations = source::locations(bytes, paths.get(&raw.name).unwrap_or(&raw.name));
        let descriptor = prost_types::FileDescriptorProto::decode(canonical.as_slice())?;
        Ok(Self { raw, descriptor, locations, canonical, digest: hash(bytes) })
    }
}

fn build(compiled: &Compiled, settings: &Settings, diags: &mut Diagnostics) -> Model {
    let mut decoded = BTreeMap::new();
    for file in parallel::map(&compiled.files, |bytes| Decoded::new(bytes, &compiled.paths)) {
        match file {
            Ok(mut file) => {
                if is_well_known(&file.raw.name) {
                    // Whatever a newer protoc writes them in: nothing is printed from them.
                    "proto3".clone_into(&mut file.raw.syntax);
                    file.descriptor.syntax = Some(file.raw.syntax.clone());
                }
                if compiled.paths.is_empty() {
                    sound::check(&file.descriptor, diags);
                }
                decoded.insert(file.raw.name.clone(), file);
            }
            Err(error) => {
                diags.push(malformed(format!("a file of the descriptor set cannot be decoded: {error}")));
            }
        }
    }
    if diags.has_errors() {
        return Model::default();
    }
    let targets = match compiled.targets.is_empty() {
        true => decoded.keys().filter(|name| !carried::is_carried(name)).cloned().collect(),
        false => compiled.targets.clone(),
    };
    let details = &settings.details;
    let targets = selection::files(targets, decoded.values().map(|file| &file.raw), details, diags);
    let graph: BTreeMap<&str, &[String]> =
        decoded.iter().map(|(name, file)| (name.as_str(), file.descriptor.dependency.as_slice())).collect();
    let Some(order) = reach::imports_first(&targets, &graph, diags) else { return Model::default() };
    if !settings.modules {
        let read = order.iter().map(|name| &decoded[*name].raw);
        selection::refuse_parts(read, &targets, &compiled.paths, diags);
    }
    let generate = reach::needed(&targets, order.iter().map(|name| &decoded[*name].descriptor), details);
    let order: Vec<String> = order.into_iter().map(str::to_owned).collect();

    let declared = options::Declared::of(decoded.values().map(|file| &file.raw));
    let mut packages = BTreeMap::new();
    let mut renames = Vec::new();
    let mut files = Vec::new();
    for name in order {
        let Some(Decoded { raw, mut descriptor, locations, canonical, digest }) = decoded.remove(&name)
        else {
            continue;
        };
        let generate = generate.contains(&name);
        // What another crate prints has names, too, which are followed here.
        if generate || selection::is_elsewhere(details, &raw.package) {
            match raw.syntax.as_str() {
                "editions" => classic::rewrite(&raw, &canonical, &locations, &mut descriptor, diags),
                "proto3" => classic::pack(&mut descriptor.message_type),
                _ => {}
            }
            lower::file(&raw, &locations, &declared, &mut packages, diags);
            renames::read(&canonical, &locations, &declared, &mut renames);
        } else if raw.syntax == "editions" {
            // Nothing is printed from it, and prost-build only has to be able to read it.
            descriptor.syntax = Some("proto3".to_owned());
        }
        files.push(File {
            path: locations.file().to_owned(),
            name,
            package: raw.package,
            generate,
            descriptor,
            digest,
            locations,
            redacted: redacted::fields(&canonical),
            bytes: canonical,
        });
    }
    selection::services(&mut packages, details);
    for service in packages.values_mut().flat_map(|package| &mut package.services) {
        if let Some(name) = details.java_interface.get(&service.full_name) {
            service.java = JavaInterface { name: name.clone(), chosen: true, package: None };
        }
    }
    for package in packages.values_mut() {
        let is_asked = settings.modules || !package.files.is_disjoint(&targets);
        package.printed = is_asked && !selection::is_elsewhere(details, &package.name);
    }
    Model { files, packages: packages.into_values().collect(), renames }
}
