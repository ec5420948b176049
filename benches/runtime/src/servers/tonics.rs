//! The server on tonic alone.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio_stream::Stream;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

use crate::idl::tonics::bench_service_server::{BenchService, BenchServiceServer};
use crate::idl::tonics::{GetRequest, GetResponse, ListRequest, ListResponse};

#[derive(Debug)]
pub(super) struct Service;

#[tonic::async_trait]
impl BenchService for Service {
    type ListStream = Numbers;

    async fn get(&self, _: Request<GetRequest>) -> Result<Response<GetResponse>, Status> {
        Ok(Response::new(GetResponse::default()))
    }

    async fn list(&self, request: Request<ListRequest>) -> Result<Response<Numbers>, Status> {
        Ok(Response::new(Numbers { next: 0, request: request.into_inner() }))
    }
}

/// A stream without a box, which is the fastest that there can be.
#[derive(Debug)]
pub(super) struct Numbers {
    next: u32,
    request: ListRequest,
}

impl Stream for Numbers {
    type Item = Result<ListResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let number = self.next;
        if number < self.request.count {
            self.next += 1;
            return Poll::Ready(Some(Ok(ListResponse { number })));
        }
        // Nobody wakes a stream that is held; it is dropped when its caller leaves.
        if self.request.hold { Poll::Pending } else { Poll::Ready(None) }
    }
}

pub(super) async fn serve(address: SocketAddr) -> anyhow::Result<()> {
    Ok(Server::builder().add_service(BenchServiceServer::new(Service)).serve(address).await?)
}
