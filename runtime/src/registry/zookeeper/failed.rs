//! Why ZooKeeper did not do what it was asked.

use std::fmt;

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failed {
    /// The server says no.
    Code(Code),
    /// Nobody says anything that can be used.
    Away(String),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => code.fmt(f),
            Self::Away(why) => f.write_str(why),
        }
    }
}

/// What servers say no with (`KeeperException.Code`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    BadArguments,
    NoNode,
    NoAuth,
    BadVersion,
    NoChildrenForEphemerals,
    NodeExists,
    NotEmpty,
    Expired,
    InvalidAcl,
    AuthFailed,
    Moved,
    Other(i32),
}

impl Code {
    pub(super) fn of(code: i32) -> Self {
        match code {
            -8 => Self::BadArguments,
            -101 => Self::NoNode,
            -102 => Self::NoAuth,
            -103 => Self::BadVersion,
            -108 => Self::NoChildrenForEphemerals,
            -110 => Self::NodeExists,
            -111 => Self::NotEmpty,
            -112 => Self::Expired,
            -114 => Self::InvalidAcl,
            -115 | -124 => Self::AuthFailed,
            -118 => Self::Moved,
            other => Self::Other(other),
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadArguments => "the path is not one",
            Self::NoNode => "the node is not there",
            Self::NoAuth => "this user may not do that with the node",
            Self::BadVersion => "the node has changed",
            Self::NoChildrenForEphemerals => "the parent goes with a session and can have no children",
            Self::NodeExists => "the node is there already",
            Self::NotEmpty => "the node has children",
            Self::Expired => "the session has ended",
            Self::InvalidAcl => "the server takes no such rights",
            Self::AuthFailed => "the server does not take this user",
            Self::Moved => "the session is on another server",
            Self::Other(code) => return write!(f, "the server answers with code {code}"),
        })
    }
}
