//! Calls the running service.
//!
//! ```console
//! $ cargo run --example call                            # finds it through the registry
//! $ cargo run --example call -- http://10.0.0.7:9000
//! ```

use jovian_runtime::{App, CallError};

use orders::v1;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let client = match std::env::args().nth(1) {
        Some(target) => v1::OrdersClient::connect(&target)?,
        None => v1::OrdersClient::discover(&App::from_config()?)?,
    };

    // An answer.
    let request = v1::GetOrderRequest { id: "1".to_owned() };
    let response = client.get_order(request).await?;
    println!("GetOrder 1: {:?}", response.order);

    // An error that the IDL declares arrives as its variant.
    let request = v1::GetOrderRequest { id: "2".to_owned() };
    match client.get_order(request).await {
        Ok(response) => println!("GetOrder 2: {:?}", response.order),
        Err(CallError::Domain(error)) => {
            println!("GetOrder 2: {error}");
            if let v1::OrdersError::OrderNotFound { id } = error {
                println!("             which says that `{id}` is unknown");
            }
        }
        Err(other) => return Err(other.into()),
    }

    // Many answers.
    let mut events = client.watch(v1::WatchRequest { limit: 0 }).await?;
    while let Some(event) = events.next().await {
        println!("Watch: {:?}", event?.order);
    }
    Ok(())
}
