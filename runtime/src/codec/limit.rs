//! How large a message may be, on each of its ways.
//!
//! In: the size of a message. Out: an error that says the size, the limit, whose it is and what sets it.

use tonic::Status;

/// The largest message of one way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    pub(crate) bytes: usize,
    side: Side,
}

/// Whose limit it is, and on what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    ServerReads,
    ServerSends,
    ClientReads,
    ClientSends,
}

impl Side {
    /// What a message is called that goes this way.
    pub(crate) fn what(self) -> &'static str {
        match self {
            Self::ServerReads | Self::ClientSends => "request",
            Self::ServerSends | Self::ClientReads => "reply",
        }
    }

    fn whose(self) -> &'static str {
        match self {
            Self::ServerReads => "this server reads (`max_message`)",
            Self::ServerSends => "this server sends (`max_reply`)",
            Self::ClientReads => "this client reads (`CallOptions::max_reply`)",
            Self::ClientSends => "this client sends (`CallOptions::max_request`)",
        }
    }
}

impl Limit {
    pub(crate) fn new(side: Side, bytes: usize) -> Self {
        Self { bytes, side }
    }

    pub(crate) fn what(&self) -> &'static str {
        self.side.what()
    }

    /// Fails when a message of so many bytes is too large.
    pub(crate) fn check(&self, size: usize) -> Result<(), Status> {
        if size <= self.bytes {
            return Ok(());
        }
        Err(self.exceeded(format_args!("has {size} bytes")))
    }

    /// The error of a message whose size nobody knows, because it was not unpacked to its end.
    pub(crate) fn unpacked(&self) -> Status {
        self.exceeded(format_args!("is larger when it is decompressed"))
    }

    fn exceeded(&self, size: std::fmt::Arguments<'_>) -> Status {
        let (what, whose, bytes) = (self.what(), self.side.whose(), self.bytes);
        Status::resource_exhausted(format!("the {what} {size}, more than the {bytes} that {whose}"))
    }
}
