//! Serves the stock until the process is told to end.

use jovian_runtime::App;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    orders::serve_stock(App::from_config()?).run().await?;
    Ok(())
}
