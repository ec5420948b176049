//! The protoc and buf door: one request in, one response out.

use prost::Message as _;

use crate::diag::Diagnostics;
use crate::files::Files;
use crate::generate::{generate, mistakes};
use crate::idl::{EDITIONS, Input};
use crate::settings::{Settings, parse_parameter};

/// `google.protobuf.compiler.CodeGeneratorResponse` (plugin.proto), as far as it is used here.
#[derive(Clone, PartialEq, prost::Message)]
struct Response {
    #[prost(string, optional, tag = "1")]
    error: Option<String>,
    #[prost(uint64, optional, tag = "2")]
    supported_features: Option<u64>,
    #[prost(int32, optional, tag = "3")]
    minimum_edition: Option<i32>,
    #[prost(int32, optional, tag = "4")]
    maximum_edition: Option<i32>,
    #[prost(message, repeated, tag = "15")]
    files: Vec<ResponseFile>,
}

/// `CodeGeneratorResponse.File`
#[derive(Clone, PartialEq, prost::Message)]
struct ResponseFile {
    #[prost(string, optional, tag = "1")]
    name: Option<String>,
    #[prost(string, optional, tag = "15")]
    content: Option<String>,
}

/// `CodeGeneratorResponse.Feature.FEATURE_PROTO3_OPTIONAL`
const PROTO3_OPTIONAL: u64 = 1;

/// `CodeGeneratorResponse.Feature.FEATURE_SUPPORTS_EDITIONS`
const SUPPORTS_EDITIONS: u64 = 2;

/// What a run has to say.
#[derive(Debug)]
pub struct Answer {
    /// The encoded `CodeGeneratorResponse`; what is wrong with the IDL is in its `error`, as protoc expects.
    pub response: Vec<u8>,
    /// For standard error.
    pub warnings: Diagnostics,
}

/// Answers an encoded `CodeGeneratorRequest`.
pub fn run(request: &[u8]) -> Answer {
    let (files, error, warnings) = match files(request) {
        Ok((files, warnings)) => (response_files(&files), None, warnings),
        Err(diags) => (Vec::new(), Some(format!("\n{diags}")), Diagnostics::default()),
    };
    let response = Response {
        error,
        supported_features: Some(PROTO3_OPTIONAL | SUPPORTS_EDITIONS),
        minimum_edition: Some(*EDITIONS.start()),
        maximum_edition: Some(*EDITIONS.end()),
        files,
    };
    Answer { response: response.encode_to_vec(), warnings }
}

fn files(request: &[u8]) -> Result<(Files, Diagnostics), Diagnostics> {
    let (input, parameter) = Input::from_request(request)?;
    let chosen = parse_parameter(&parameter).map_err(|mut diags| {
        diags.extend(mistakes(&input, &Settings::default()));
        diags
    })?;
    let settings = Settings::resolve([chosen]);
    let output = generate(&input, &settings)?;
    Ok((output.files, output.warnings))
}

fn response_files(files: &Files) -> Vec<ResponseFile> {
    let file = |(name, file): (&str, &crate::files::File)| ResponseFile {
        name: Some(name.to_owned()),
        content: Some(file.text.clone()),
    };
    files.iter().map(file).collect()
}
