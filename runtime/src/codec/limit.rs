//! How large a message may be, on each of its ways.
//!
//! In: the size of a message. Out: an error that says the size, the limit, whose it is and what sets it.

use tonic::Status;

/// The largest message of one way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    pub(crate) bytes: usize,
    side: Side,
    /// It is set by the policy of the method, and not by what holds for all.
    of_method: bool,
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

    /// What sets it: of the policy of a method, and else.
    fn settings(self) -> [&'static str; 2] {
        match self {
            Self::ServerReads => ["max_request_bytes", "max_message"],
            Self::ServerSends => ["max_reply_bytes", "max_reply"],
            Self::ClientReads => ["max_reply_bytes", "CallOptions::max_reply"],
            Self::ClientSends => ["max_request_bytes", "CallOptions::max_request"],
        }
    }

    fn whose(self) -> &'static str {
        match self {
            Self::ServerReads => "this server reads",
            Self::ServerSends => "this server sends",
            Self::ClientReads => "this client reads",
            Self::ClientSends => "this client sends",
        }
    }
}

impl Limit {
    /// What is said of the method, else what is said of all.
    pub(crate) fn new(side: Side, of_method: Option<usize>, of_all: usize) -> Self {
        Self { bytes: of_method.unwrap_or(of_all), side, of_method: of_method.is_some() }
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
        let [of_method, of_all] = self.side.settings();
        let set_by = if self.of_method { of_method } else { of_all };
        Status::resource_exhausted(format!(
            "the {what} {size}, more than the {bytes} that {whose} (`{set_by}`)"
        ))
    }
}
