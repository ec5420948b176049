//! Calls the running shop, which it finds through the registry: `cargo run --example call`.

use jovian_runtime::{App, CallError};

use orders::orders_api::{GetOrderRequest, OrdersClient, OrdersError, PlaceOrderRequest, WatchRequest};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let client = OrdersClient::discover(&App::from_config()?)?;

    match client.place_order(PlaceOrderRequest { article: "lamp".to_owned(), pieces: 2 }).await {
        Ok(placed) => println!("PlaceOrder: {:?}", placed.order),
        // The second time there is one lamp left; the error is the stock's, of another domain than ours.
        Err(error) => println!("PlaceOrder: {error}"),
    }
    match client.get_order(GetOrderRequest { id: "42".to_owned() }).await {
        Err(CallError::Domain(OrdersError::OrderNotFound { id })) => {
            println!("GetOrder: there is no order {id}")
        }
        other => println!("GetOrder: {:?}", other?.order),
    }
    let mut events = client.watch(WatchRequest { once: true }).await?;
    while let Some(event) = events.next().await {
        println!("Watch: {:?}", event?.order);
    }
    Ok(())
}
