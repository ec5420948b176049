//! The 24 bytes that every HTTP/2 client says first (RFC 9113, section 3.4).
//!
//! They are read before hyper gets the connection, because hyper would wait for them without an end.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A connection whose client has said that it speaks HTTP/2. Whoever reads from it is told once more.
#[derive(Debug)]
pub(crate) struct Greeted<S> {
    stream: S,
    unread: &'static [u8],
}

/// Waits until the client has said that it speaks HTTP/2.
///
/// # Errors
///
/// Fails when it says something else, or goes away.
pub(crate) async fn greeted<S: AsyncRead + Unpin>(mut stream: S) -> io::Result<Greeted<S>> {
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
    Ok(Greeted { stream, unread: PREFACE })
}

impl<S: AsyncRead + Unpin> AsyncRead for Greeted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.unread.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buffer);
        }
        let (now, later) = self.unread.split_at(self.unread.len().min(buffer.remaining()));
        buffer.put_slice(now);
        self.unread = later;
        Poll::Ready(Ok(()))
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
