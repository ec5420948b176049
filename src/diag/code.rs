//! The codes of complaints.

/// Names a kind of complaint; each has an entry in `docs/reference/diagnostics.md` and a failing case in `tests/cases`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Code {
    /// No IDL was given or found.
    NoInput,
    /// A file, an include root or an import cannot be found or read.
    NotFound,
    /// The IDL is not legal.
    Idl,
    /// A descriptor set or a plugin request cannot be decoded.
    Descriptor,
    /// The IDL uses a protobuf edition that cannot be read: it is unknown, or there is no protoc for it.
    Edition,
    /// A setting is unknown or has a value of the wrong kind.
    Setting,
    /// An option of ours has a value that means nothing.
    OptionValue,
    /// It is not said which of several error enums belongs to a service.
    ErrorsAmbiguous,
    /// A service names an error enum that does not exist.
    ErrorsUnknown,
    /// An error's number, code or status is out of its range.
    ErrorRange,
    /// Two errors are one: the same number or the same name in Rust.
    ErrorDuplicate,
    /// A message template cannot be read.
    Template,
    /// A feature of an edition is not kept by the generated code.
    Feature,
    /// Two errors of a domain cannot be told apart, or one means two things.
    ErrorClash,
    /// A number or a reason belonged to another error before.
    ErrorReuse,
    /// An error is not what its callers know.
    ErrorBreak,
    /// A service has another name in Java, or shares it.
    JavaName,
    /// A program of somebody else cannot use what the IDL says.
    Peer,
    /// A name was changed because another thing has it already.
    Renamed,
    /// The messages cannot be expressed in Rust.
    Messages,
    /// A name that somebody chose cannot be given.
    Rename,
    /// A run without the tree of modules sees a part of a package.
    PartialPackage,
    /// A selector of the settings selects nothing.
    Unused,
    /// The name of a new project is not one.
    ProjectName,
    /// A new project would overwrite something.
    ProjectExists,
    /// The disk refused.
    Io,
    /// A program that was started is missing, failed or was interrupted.
    Program,
    /// The generated code in a folder is not what the IDL says.
    Stale,
    /// A server cannot be reached, or the connection to it breaks.
    Unreachable,
    /// A server does not say what it serves.
    NoReflection,
    /// There is no such service, method or message.
    UnknownMethod,
    /// A request in JSON is not what its message says.
    Request,
}

impl Code {
    /// Every code, in the order of its number.
    pub const ALL: &'static [Code] = &[
        Code::NoInput,
        Code::NotFound,
        Code::Idl,
        Code::Descriptor,
        Code::Edition,
        Code::Setting,
        Code::OptionValue,
        Code::ErrorsAmbiguous,
        Code::ErrorsUnknown,
        Code::ErrorRange,
        Code::ErrorDuplicate,
        Code::Template,
        Code::Feature,
        Code::ErrorClash,
        Code::ErrorReuse,
        Code::ErrorBreak,
        Code::JavaName,
        Code::Peer,
        Code::Renamed,
        Code::Messages,
        Code::Rename,
        Code::PartialPackage,
        Code::Unused,
        Code::ProjectName,
        Code::ProjectExists,
        Code::Io,
        Code::Program,
        Code::Stale,
        Code::Unreachable,
        Code::NoReflection,
        Code::UnknownMethod,
        Code::Request,
    ];

    /// The code as it is shown: `J0101`. J00 is input and settings, J01 the IDL's meaning, J02 names and Rust, J03 projects and disk, J04 calls.
    pub fn id(self) -> &'static str {
        match self {
            Code::NoInput => "J0001",
            Code::NotFound => "J0002",
            Code::Idl => "J0003",
            Code::Descriptor => "J0004",
            Code::Edition => "J0005",
            Code::Setting => "J0006",
            Code::OptionValue => "J0101",
            Code::ErrorsAmbiguous => "J0102",
            Code::ErrorsUnknown => "J0103",
            Code::ErrorRange => "J0104",
            Code::ErrorDuplicate => "J0105",
            Code::Template => "J0106",
            Code::Feature => "J0107",
            Code::ErrorClash => "J0108",
            Code::ErrorReuse => "J0109",
            Code::ErrorBreak => "J0110",
            Code::JavaName => "J0111",
            Code::Peer => "J0112",
            Code::Renamed => "J0202",
            Code::Messages => "J0203",
            Code::Rename => "J0204",
            Code::PartialPackage => "J0205",
            Code::Unused => "J0206",
            Code::ProjectName => "J0301",
            Code::ProjectExists => "J0302",
            Code::Io => "J0303",
            Code::Program => "J0304",
            Code::Stale => "J0305",
            Code::Unreachable => "J0401",
            Code::NoReflection => "J0402",
            Code::UnknownMethod => "J0403",
            Code::Request => "J0404",
        }
    }
}
