//! The servers on this repository's runtime.

use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;

use jovian_runtime::{Call, Failure, Policies, Policy, Replies, RuntimeKind, Server};
use tokio::net::TcpListener;

use super::log;
use crate::idl::ours::{
    BenchService, BenchServiceServer, GetRequest, GetResponse, ListRequest, ListResponse,
};

#[derive(Debug)]
struct Service;

impl BenchService for Service {
    type Error = Failure;

    async fn get(&self, _: &Call, _: GetRequest) -> Result<GetResponse, Failure> {
        Ok(GetResponse::default())
    }

    async fn list(
        &self,
        _: &Call,
        request: ListRequest,
        out: &mut Replies<ListResponse>,
    ) -> Result<(), Failure> {
        for number in 0..request.count {
            out.send(ListResponse { number }).await;
        }
        match request.hold {
            true => pending().await,
            false => Ok(()),
        }
    }
}

pub(super) async fn serve(address: SocketAddr) -> anyhow::Result<()> {
    run(Server::new(), address).await
}

pub(super) async fn serve_logged(address: SocketAddr) -> anyhow::Result<()> {
    log::ours("jovian::call")?;
    run(Server::new().policies(Policies::new().all(Policy::new().access_log(1.0))), address).await
}

pub(super) async fn serve_per_core(address: SocketAddr) -> anyhow::Result<()> {
    run(Server::new().runtime(RuntimeKind::PerCore), address).await
}

async fn run(server: Server, address: SocketAddr) -> anyhow::Result<()> {
    let listener = TcpListener::bind(address).await?;
    server.add(BenchServiceServer::new(Service)).serve(listener, pending(), Duration::ZERO).await?;
    Ok(())
}
