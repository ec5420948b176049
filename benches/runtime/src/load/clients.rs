//! The clients that are measured.

use anyhow::ensure;
use tonic::transport::Channel;

use super::{Calls, MESSAGES};
use crate::idl::{ours, tonics};

/// Our client.
#[derive(Clone, Debug)]
pub(super) struct Ours(ours::BenchServiceClient);

impl Calls for Ours {
    async fn connect(address: &str) -> anyhow::Result<Self> {
        Ok(Self(ours::BenchServiceClient::connect(format!("http://{address}"))?))
    }

    async fn unary(&mut self) -> anyhow::Result<()> {
        self.0.get(ours::GetRequest { id: 7, name: "jovian".to_owned() }).await?;
        Ok(())
    }

    async fn stream(&mut self) -> anyhow::Result<()> {
        let mut replies = self.0.list(ours::ListRequest { count: MESSAGES, hold: false }).await?;
        let mut count = 0;
        while let Some(reply) = replies.next().await {
            reply?;
            count += 1;
        }
        ensure!(count == MESSAGES, "{count} messages of {MESSAGES}");
        Ok(())
    }
}

/// Tonic's client.
#[derive(Clone, Debug)]
pub(super) struct Tonic(tonics::bench_service_client::BenchServiceClient<Channel>);

impl Calls for Tonic {
    async fn connect(address: &str) -> anyhow::Result<Self> {
        Ok(Self(
            tonics::bench_service_client::BenchServiceClient::connect(format!("http://{address}")).await?,
        ))
    }

    async fn unary(&mut self) -> anyhow::Result<()> {
        self.0.get(tonics::GetRequest { id: 7, name: "jovian".to_owned() }).await?;
        Ok(())
    }

    async fn stream(&mut self) -> anyhow::Result<()> {
        let request = tonics::ListRequest { count: MESSAGES, hold: false };
        let mut replies = self.0.list(request).await?.into_inner();
        let mut count = 0;
        while replies.message().await?.is_some() {
            count += 1;
        }
        ensure!(count == MESSAGES, "{count} messages of {MESSAGES}");
        Ok(())
    }
}
