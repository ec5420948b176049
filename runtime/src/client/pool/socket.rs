//! The bytes of a connection, counted on their way out.
//!
//! In: what the kernel gives. Out: the same, how much was written, and when the first byte came. A peer that closes may
//! have said why before it did (GOAWAY), and a write that fails would end the connection before that is read: so what
//! fails to be written is swallowed, and the connection ends when there is nothing left to read.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;

/// How many bytes went out on a connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Written(Arc<AtomicU64>);

impl Written {
    pub(super) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

pub(super) struct Socket<S> {
    inner: S,
    written: Written,
    /// Told of the first byte that comes.
    heard: Option<oneshot::Sender<()>>,
    /// Why nothing can be written any more.
    failed: Option<io::Error>,
}

impl<S> Socket<S> {
    pub(super) fn new(inner: S, written: Written, heard: oneshot::Sender<()>) -> Self {
        Self { inner, written, heard: Some(heard), failed: None }
    }

    fn wrote(
        &mut self,
        result: Poll<io::Result<usize>>,
        length: usize,
        cx: &Context<'_>,
    ) -> Poll<io::Result<usize>> {
        result.map(|result| match result {
            Ok(count) => {
                self.written.0.fetch_add(count as u64, Relaxed);
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                self.failed = Some(error);
                // To read what is left, and then to end.
                cx.waker().wake_by_ref();
                Ok(length)
            }
        })
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Socket<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.inner).poll_read(cx, buffer);
        if buffer.filled().len() > before
            && let Some(heard) = this.heard.take()
        {
            // A dialer that is gone does not mind.
            let _ = heard.send(());
        }
        match (polled, &this.failed) {
            (Poll::Pending, Some(error)) => Poll::Ready(Err(io::Error::new(error.kind(), error.to_string()))),
            (polled, _) => polled,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Socket<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.failed.is_some() {
            return Poll::Ready(Ok(bytes.len()));
        }
        let result = Pin::new(&mut this.inner).poll_write(cx, bytes);
        this.wrote(result, bytes.len(), cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let length = slices.iter().map(|slice| slice.len()).sum();
        if this.failed.is_some() {
            return Poll::Ready(Ok(length));
        }
        let result = Pin::new(&mut this.inner).poll_write_vectored(cx, slices);
        this.wrote(result, length, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.failed.is_some() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut this.inner).poll_flush(cx).map(|flushed| {
            if let Err(error) = flushed {
                this.failed = Some(error);
                cx.waker().wake_by_ref();
            }
            Ok(())
        })
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}
