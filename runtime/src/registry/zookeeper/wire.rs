//! What ZooKeeper's protocol looks like: frames with four bytes of length, and records of jute in them, all big endian.
//!
//! In: requests, or what a server sent. Out: the other one. Never: a connection. Every operation here is known to servers since 3.4.
//! Formats: `zookeeper.jute` of ZooKeeper, `ClientCnxn.java`, `MultiTransactionRecord.java`.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

use super::failed::{Code, Failed};

/// What numbers replies that are none: what a watch saw, and answers to signs of life.
pub(super) const EVENT: i32 = -1;
pub(super) const PING: i32 = -2;
/// The longest frame that is read: a folder of 50,000 long names has less.
pub(super) const LONGEST: usize = 64 << 20;
/// All that may be done with a node.
const ALL: i32 = 31;

/// What is asked of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request<'a> {
    Create {
        path: &'a str,
        value: &'a str,
        is_ephemeral: bool,
        is_private: bool,
    },
    Exists {
        path: &'a str,
        watch: bool,
    },
    Get {
        path: &'a str,
        watch: bool,
    },
    Set {
        path: &'a str,
        value: &'a str,
        version: i32,
    },
    Children {
        path: &'a str,
        watch: bool,
    },
    /// What is read afterwards is at least as new as what the leader has now.
    Sync {
        path: &'a str,
    },
    /// Deletes a node of this version and creates another one, both or none.
    Replace {
        path: &'a str,
        version: i32,
        value: &'a str,
        is_ephemeral: bool,
        is_private: bool,
    },
    Auth {
        user: &'a str,
        password: &'a str,
    },
    Ping,
    Close,
}

impl Request<'_> {
    fn code(&self) -> i32 {
        match self {
            Self::Create { .. } => 1,
            Self::Exists { .. } => 3,
            Self::Get { .. } => 4,
            Self::Set { .. } => 5,
            Self::Children { .. } => 8,
            Self::Sync { .. } => 9,
            Self::Ping => 11,
            Self::Replace { .. } => 14,
            Self::Auth { .. } => 100,
            Self::Close => -11,
        }
    }

    /// A whole frame, for the reply that will have this number.
    pub(super) fn frame(&self, number: i32) -> BytesMut {
        frame(|body| {
            body.put_i32(number);
            body.put_i32(self.code());
            match *self {
                Self::Create { path, value, is_ephemeral, is_private } => {
                    create(body, path, value, is_ephemeral, is_private);
                }
                Self::Exists { path, watch } | Self::Get { path, watch } | Self::Children { path, watch } => {
                    text(body, path);
                    body.put_u8(watch.into());
                }
                Self::Set { path, value, version } => {
                    text(body, path);
                    text(body, value);
                    body.put_i32(version);
                }
                Self::Sync { path } => text(body, path),
                Self::Replace { path, version, value, is_ephemeral, is_private } => {
                    step(body, 2, false);
                    text(body, path);
                    body.put_i32(version);
                    step(body, 1, false);
                    create(body, path, value, is_ephemeral, is_private);
                    step(body, -1, true);
                }
                Self::Auth { user, password } => {
                    body.put_i32(0);
                    text(body, "digest");
                    text(body, &format!("{user}:{password}"));
                }
                Self::Ping | Self::Close => {}
            }
        })
    }
}

fn frame(write: impl FnOnce(&mut BytesMut)) -> BytesMut {
    let mut frame = BytesMut::with_capacity(128);
    frame.put_i32(0);
    write(&mut frame);
    let length = i32::try_from(frame.len() - 4).unwrap_or(i32::MAX);
    frame[..4].copy_from_slice(&length.to_be_bytes());
    frame
}

fn text(body: &mut BytesMut, text: &str) {
    bytes(body, text.as_bytes());
}

fn bytes(body: &mut BytesMut, bytes: &[u8]) {
    body.put_i32(i32::try_from(bytes.len()).unwrap_or(i32::MAX));
    body.put_slice(bytes);
}

/// One operation of several, or their end.
fn step(body: &mut BytesMut, code: i32, is_end: bool) {
    body.put_i32(code);
    body.put_u8(is_end.into());
    body.put_i32(-1);
}

/// Whoever names himself keeps his nodes to himself, as Curator does it for Dubbo (`CREATOR_ALL_ACL`).
fn create(body: &mut BytesMut, path: &str, value: &str, is_ephemeral: bool, is_private: bool) {
    text(body, path);
    text(body, value);
    body.put_i32(1);
    body.put_i32(ALL);
    let (scheme, id) = if is_private { ("auth", "") } else { ("world", "anyone") };
    text(body, scheme);
    text(body, id);
    body.put_i32(is_ephemeral.into());
}

/// A session, and what proves that it is one's own.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Ticket {
    pub(super) session: i64,
    pub(super) password: Bytes,
}

impl Ticket {
    /// Asks for a new session.
    pub(super) fn none() -> Self {
        Self { session: 0, password: Bytes::from_static(&[0; 16]) }
    }

    /// The frame that asks for the session, to be kept for so many milliseconds after a sign of life.
    pub(super) fn frame(&self, timeout: i32) -> BytesMut {
        frame(|body| {
            body.put_i32(0);
            // Whatever was seen in another session is read again in this one. A number of an earlier one would keep away from a
            // server that was emptied.
            body.put_i64(0);
            body.put_i32(timeout);
            body.put_i64(self.session);
            bytes(body, &self.password);
            // A server that cannot write now is not wanted.
            body.put_u8(0);
        })
    }

    /// The session that a server has granted, and its time in milliseconds.
    pub(super) fn granted(body: &[u8]) -> Result<(Self, u32), Failed> {
        let mut fields = Fields(body);
        let (_protocol, timeout, session) = (fields.number()?, fields.number()?, fields.long()?);
        let password = Bytes::copy_from_slice(fields.bytes()?);
        match u32::try_from(timeout) {
            Ok(timeout) if timeout > 0 && session != 0 => Ok((Self { session, password }, timeout)),
            _ => Err(Failed::Code(Code::Expired)),
        }
    }
}

/// Anything that a server sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    /// The answer to the request of this number.
    Reply(i32, Result<Bytes, Code>),
    /// Something happened to a path that is watched.
    Touched(String),
}

impl Incoming {
    /// Takes the first frame out of what has come; nothing if it is not whole.
    pub(super) fn take(buffer: &mut BytesMut) -> Result<Option<Bytes>, Failed> {
        let Some(length) = buffer.first_chunk::<4>() else { return Ok(None) };
        let length = usize::try_from(i32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if length > LONGEST {
            return Err(malformed());
        }
        if buffer.len() < 4 + length {
            return Ok(None);
        }
        buffer.advance(4);
        Ok(Some(buffer.split_to(length).freeze()))
    }

    /// What a frame says.
    pub(super) fn of(mut frame: Bytes) -> Result<Self, Failed> {
        let mut fields = Fields(&frame);
        let (number, _transaction, code) = (fields.number()?, fields.long()?, fields.number()?);
        if number == EVENT {
            let (_kind, _state) = (fields.number()?, fields.number()?);
            return Ok(Self::Touched(fields.text()?));
        }
        let head = frame.len() - fields.0.len();
        frame.advance(head);
        Ok(Self::Reply(number, if code == 0 { Ok(frame) } else { Err(Code::of(code)) }))
    }
}

/// What a server knows of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    /// The transaction that changed it last.
    pub(super) modified: i64,
    /// How often its value was changed.
    pub(super) version: i32,
    /// The session that it goes with; 0 if it stays.
    pub(super) owner: i64,
}

impl Stat {
    fn of(fields: &mut Fields<'_>) -> Result<Self, Failed> {
        let (_created, modified) = (fields.long()?, fields.long()?);
        let (_created_at, _modified_at) = (fields.long()?, fields.long()?);
        let (version, _children, _rights) = (fields.number()?, fields.number()?, fields.number()?);
        let owner = fields.long()?;
        let (_length, _count, _children_modified) = (fields.number()?, fields.number()?, fields.long()?);
        // Servers mark containers, which stay, by the smallest number (`EphemeralType.java`).
        Ok(Self { modified, version, owner: if owner == i64::MIN { 0 } else { owner } })
    }
}

/// The value of a node, and what is known of it: the reply to [`Request::Get`].
pub(super) fn node(reply: &[u8]) -> Result<(String, Stat), Failed> {
    let mut fields = Fields(reply);
    let value = String::from_utf8_lossy(fields.bytes()?).into_owned();
    Ok((value, Stat::of(&mut fields)?))
}

/// The names in a folder: the reply to [`Request::Children`].
pub(super) fn names(reply: &[u8]) -> Result<Vec<String>, Failed> {
    let mut fields = Fields(reply);
    let count = fields.number()?;
    // Each has at least its length, so no count makes this long.
    (0..count).map(|_| fields.text()).collect()
}

/// Whether all operations of several were done: the reply to [`Request::Replace`].
pub(super) fn all_done(reply: &[u8]) -> Result<(), Failed> {
    let mut fields = Fields(reply);
    let mut failed = None;
    loop {
        let (operation, is_end, _code) = (fields.number()?, fields.byte()? != 0, fields.number()?);
        match operation {
            _ if is_end => return failed.map_or(Ok(()), |code| Err(Failed::Code(Code::of(code)))),
            -1 => match fields.number()? {
                // Those before the one that failed, and those behind it.
                0 | -2 => failed = failed.or(Some(-2)),
                code => failed = failed.filter(|first| *first != -2).or(Some(code)),
            },
            1 => drop(fields.text()?),
            2 => {}
            _ => return Err(malformed()),
        }
    }
}

struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Failed> {
        let (first, rest) = self.0.split_first_chunk().ok_or_else(malformed)?;
        self.0 = rest;
        Ok(*first)
    }

    fn byte(&mut self) -> Result<u8, Failed> {
        self.take().map(|[byte]| byte)
    }

    fn number(&mut self) -> Result<i32, Failed> {
        self.take().map(i32::from_be_bytes)
    }

    fn long(&mut self) -> Result<i64, Failed> {
        self.take().map(i64::from_be_bytes)
    }

    /// What is not there has the length -1.
    fn bytes(&mut self) -> Result<&'a [u8], Failed> {
        let length = usize::try_from(self.number()?.max(0)).unwrap_or(usize::MAX);
        let (bytes, rest) = self.0.split_at_checked(length).ok_or_else(malformed)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn text(&mut self) -> Result<String, Failed> {
        self.bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }
}

fn malformed() -> Failed {
    Failed::Away("what answers is no ZooKeeper".to_owned())
}
