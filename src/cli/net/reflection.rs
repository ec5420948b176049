//! The reflection protocol of gRPC: what a server says that it serves.
//!
//! `grpc.reflection.v1`, and `v1alpha` for those that know only that. The two have the same messages.

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};

use prost::Message as _;
use prost_reflect::DescriptorPool;
use prost_types::{FileDescriptorProto, FileDescriptorSet};
use tonic::Code;

use super::{Peer, Problem};
use crate::diag::{self, Diagnostic, Diagnostics};

const VERSIONS: [&str; 2] = ["v1", "v1alpha"];

/// `ServerReflectionRequest`
#[derive(Clone, PartialEq, prost::Message)]
struct Question {
    #[prost(oneof = "Ask", tags = "3, 4, 7")]
    ask: Option<Ask>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Ask {
    #[prost(string, tag = "3")]
    FileByFilename(String),
    #[prost(string, tag = "4")]
    FileContainingSymbol(String),
    #[prost(string, tag = "7")]
    ListServices(String),
}

/// `ServerReflectionResponse`
#[derive(Clone, PartialEq, prost::Message)]
struct Answer {
    #[prost(oneof = "Said", tags = "4, 6, 7")]
    said: Option<Said>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Said {
    #[prost(message, tag = "4")]
    Files(Files),
    #[prost(message, tag = "6")]
    Services(Services),
    #[prost(message, tag = "7")]
    Error(Refusal),
}

/// `FileDescriptorResponse`
#[derive(Clone, PartialEq, prost::Message)]
struct Files {
    #[prost(bytes = "vec", repeated, tag = "1")]
    files: Vec<Vec<u8>>,
}

/// `ListServiceResponse`
#[derive(Clone, PartialEq, prost::Message)]
struct Services {
    #[prost(message, repeated, tag = "1")]
    services: Vec<Service>,
}

/// `ServiceResponse`
#[derive(Clone, PartialEq, prost::Message)]
struct Service {
    #[prost(string, tag = "1")]
    name: String,
}

/// `ErrorResponse`
#[derive(Clone, PartialEq, prost::Message)]
struct Refusal {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

/// The reflection of a server.
#[derive(Debug)]
pub(super) struct Reflection {
    peer: Peer,
    /// The version that the server knows, as far as that is known.
    version: Cell<usize>,
    /// Encoded files, by name.
    files: BTreeMap<String, Vec<u8>>,
}

impl Reflection {
    pub(super) fn new(peer: &Peer) -> Self {
        Self { peer: peer.clone(), version: Cell::new(0), files: BTreeMap::new() }
    }

    /// The full names of the services; `None` if the server has no reflection.
    pub(super) async fn services(&self) -> Result<Option<Vec<String>>, Problem> {
        match self.ask(Ask::ListServices("*".to_owned())).await? {
            None => Ok(None),
            Some(Said::Services(Services { services })) => {
                let mut names: Vec<String> = services.into_iter().map(|service| service.name).collect();
                names.sort();
                Ok(Some(names))
            }
            Some(other) => Err(odd(&other).into()),
        }
    }

    /// Learns the file that declares something, and all that it imports. Whether there is such a thing.
    pub(super) async fn learn(&mut self, symbol: &str) -> Result<bool, Problem> {
        let mut missing = match self.ask(Ask::FileContainingSymbol(symbol.to_owned())).await? {
            Some(Said::Files(files)) => self.add(files)?,
            Some(Said::Error(refusal)) if refusal.code == Code::NotFound as i32 => return Ok(false),
            Some(other) => return Err(odd(&other).into()),
            None => return Ok(false),
        };
        while let Some(name) = missing.pop_front() {
            if self.files.contains_key(&name) {
                continue;
            }
            if let Some(Said::Files(files)) = self.ask(Ask::FileByFilename(name.clone())).await? {
                missing.extend(self.add(files)?);
            }
            // Servers leave out what they think that everybody has, and what they have no code for.
            self.files.entry(name).or_insert_with_key(|name| known(name));
        }
        Ok(true)
    }

    /// All that was learned, as an encoded `FileDescriptorSet`.
    pub(super) fn set(&self) -> Vec<u8> {
        let mut set = Vec::new();
        for file in self.files.values() {
            prost::encoding::bytes::encode(1, file, &mut set);
        }
        set
    }

    /// Adds files, and names those that they import.
    fn add(&mut self, files: Files) -> Result<VecDeque<String>, Diagnostics> {
        let mut imports = VecDeque::new();
        for encoded in files.files {
            let file = FileDescriptorProto::decode(encoded.as_slice()).map_err(|error| {
                Diagnostic::error(
                    diag::Code::Descriptor,
                    format!("the server's reflection gives no descriptor: {error}"),
                )
                .help("give the IDL with `--proto`")
            })?;
            imports.extend(file.dependency.iter().cloned());
            self.files.insert(file.name().to_owned(), encoded);
        }
        Ok(imports)
    }

    /// `None`: the server has no reflection.
    async fn ask(&self, ask: Ask) -> Result<Option<Said>, Problem> {
        let question = Question { ask: Some(ask) };
        while let Some(version) = VERSIONS.get(self.version.get()) {
            let path = format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
            match self.peer.ask(&path, question.encode_to_vec().into()).await {
                Ok(answer) => {
                    let answer = Answer::decode(answer).map_err(|error| {
                        Diagnostic::error(
                            diag::Code::Descriptor,
                            format!("the server's reflection cannot be read: {error}"),
                        )
                        .help("give the IDL with `--proto`")
                    })?;
                    return Ok(Some(answer.said.unwrap_or(Said::Files(Files::default()))));
                }
                Err(Problem::Status(status)) if status.code() == Code::Unimplemented => {
                    self.version.set(self.version.get() + 1);
                }
                Err(problem) => return Err(problem),
            }
        }
        Ok(None)
    }
}

/// The encoded descriptor of a file of protobuf's own; of others one that declares nothing.
fn known(name: &str) -> Vec<u8> {
    match DescriptorPool::global().get_file_by_name(name) {
        Some(file) => file.encode_to_vec(),
        None => {
            let set: FileDescriptorSet = crate::idl::carried_set(&[name]).unwrap_or_default();
            let file = set.file.into_iter().find(|file| file.name() == name);
            let nothing =
                || FileDescriptorProto { name: Some(name.to_owned()), ..FileDescriptorProto::default() };
            file.unwrap_or_else(nothing).encode_to_vec()
        }
    }
}

fn odd(said: &Said) -> Diagnostic {
    let problem = match said {
        Said::Error(refusal) => format!("the server's reflection refuses: {}", refusal.message),
        _ => "the server's reflection answers something else than was asked".to_owned(),
    };
    Diagnostic::error(diag::Code::NoReflection, problem).help("give the IDL with `--proto`")
}
