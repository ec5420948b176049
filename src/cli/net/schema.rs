//! Descriptors of messages and services, and what the IDL says of errors.

use prost_reflect::DescriptorPool;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::idl::{self, Earlier, Input};
use crate::model::{ErrorEnum, ErrorValue};
use crate::settings::Settings;

/// What is known of the messages, services and errors of a server.
#[derive(Debug, Default)]
pub(in crate::cli) struct Schema {
    pub(in crate::cli) pool: DescriptorPool,
    lists: Vec<ErrorEnum>,
}

impl Schema {
    /// Reads IDL, or the descriptors that a server gives out: they are the same to the generator, too.
    pub(super) fn read(input: &Input) -> Result<Self, Diagnostics> {
        let mut diags = Diagnostics::default();
        let model = idl::load(input, &Settings::default(), Earlier::default(), &mut diags).model;
        // What is wrong with options is no reason not to call.
        if model.files.is_empty() {
            diags.stop_on_error()?;
        }
        // Protobuf's own files are there already; the generator has no use for all that they say.
        let mut pool = DescriptorPool::global();
        let files = model.files.into_iter().filter(|file| !idl::is_well_known(&file.name));
        let files = files.map(|file| file.descriptor);
        pool.add_file_descriptor_protos(files).map_err(|error| {
            Diagnostic::error(Code::Descriptor, format!("the descriptors do not fit together: {error}"))
                .help("give the IDL with `--proto`, with all that it imports")
        })?;
        let lists = model.packages.into_iter().flat_map(|package| package.errors).collect();
        Ok(Self { pool, lists })
    }

    /// What the IDL says of an error.
    pub(in crate::cli) fn error(&self, domain: &str, reason: &str) -> Option<&ErrorValue> {
        let lists = self.lists.iter().filter(|list| list.domain == domain);
        lists.flat_map(|list| &list.values).find(|error| error.name == reason)
    }
}

/// The messages of `google/rpc/status.proto` and `google/rpc/error_details.proto`.
pub(in crate::cli) fn google_rpc() -> DescriptorPool {
    let set = idl::carried_set(&["google/rpc/status.proto", "google/rpc/error_details.proto"]);
    // Both are in the program, and compile.
    set.ok().and_then(|set| DescriptorPool::from_file_descriptor_set(set).ok()).unwrap_or_default()
}
