//! Serves `shop.orders.v1.Orders` until the process is told to end.

use jovian_runtime::App;

use orders::{OrdersService, v1};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    App::from_config()?
        // Add further services the same way, and interceptors around all of them with `intercept`.
        .serve(v1::OrdersServer::new(OrdersService::default()))
        .run()
        .await?;
    Ok(())
}
