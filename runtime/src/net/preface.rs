//! The 24 bytes that every HTTP/2 client says first (RFC 9113, section 3.4).
//!
//! They are read before hyper gets the connection, because hyper would wait for them without an end.

use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

use super::authority::Repair;

pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A connection whose client has said that it speaks HTTP/2. Whoever reads from it is told once more, and its calls
/// have an authority that HTTP/2 takes.
#[derive(Debug)]
pub(crate) struct Greeted<S> {
    stream: S,
    /// Where bytes go through first; nothing, once there is nothing to repair.
    repair: Option<Box<Repair>>,
}

/// Waits until the client has said that it speaks HTTP/2. `max_header_bytes` is what one call's metadata may take.
///
/// # Errors
///
/// Fails when it says something else, or goes away.
pub(crate) async fn greeted<S: AsyncRead + Unpin>(
    mut stream: S,
    max_header_bytes: usize,
) -> io::Result<Greeted<S>> {
    let mut said = [0; PREFACE.len()];
    let mut length = 0;
    while length < PREFACE.len() {
        let more = stream.read(&mut said[length..]).await?;
        length += more;
        if more == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if !PREFACE.starts_with(&said[..length]) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the client does not speak HTTP/2"));
        }
    }
    Ok(Greeted { stream, repair: Some(Box::new(Repair::new(PREFACE, max_header_bytes))) })
}

impl<S: AsyncRead + Unpin> AsyncRead for Greeted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { stream, repair: of_this } = &mut *self;
        while let Some(repair) = of_this {
            let is_done = repair.hand_out(buffer)? || buffer.remaining() == 0;
            if repair.is_over() {
                *of_this = None;
            } else if !is_done && ready!(pin!(stream.read_buf(repair.room())).poll(cx))? == 0 {
                repair.end();
            }
            if is_done {
                return Poll::Ready(Ok(()));
            }
        }
        Pin::new(stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Greeted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt as _, duplex};

    use super::*;

    /// The headers of a call, with this authority (RFC 7541, section 6.2.2).
    fn call(authority: &str) -> Vec<u8> {
        let length = u8::try_from(authority.len()).unwrap();
        [&[0, 0, length + 2, 1, 4, 0, 0, 0, 1, 1, length], authority.as_bytes()].concat()
    }

    /// What is heard of a client with this authority, and whether everything of it is looked at then.
    async fn heard(authority: &str) -> (String, bool) {
        let (mut client, server) = duplex(1024);
        let said = [PREFACE.as_slice(), &call(authority)].concat();
        client.write_all(&said).await.unwrap();
        let mut stream = greeted(server, 4096).await.unwrap();
        let mut heard = Vec::new();
        while heard.len() < said.len() {
            // What has no room is not at its end.
            assert_eq!(stream.read(&mut []).await.unwrap(), 0);
            assert_ne!(stream.read_buf(&mut heard).await.unwrap(), 0);
        }
        let is_repaired = stream.repair.is_some();
        client.write_all(b"more").await.unwrap();
        drop(client);
        stream.read_to_end(&mut heard).await.unwrap();
        (String::from_utf8(heard[PREFACE.len() + 9..].to_vec()).unwrap(), is_repaired)
    }

    #[tokio::test]
    async fn a_connection_that_is_fine_keeps_nothing_of_the_repair() {
        assert_eq!(heard("shop").await, ("\x01\x04shopmore".to_owned(), false));
        assert_eq!(heard("a/b").await, ("\0\x0a:authority\x03a-bmore".to_owned(), true));
    }
}
