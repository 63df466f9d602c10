//! The whole proxy inside another program.
//!
//! `cargo run --example embedded_proxy`
//!
//! What `guilloche serve` does, started and stopped by this program, in front of the embedded
//! upstream's place: any address will do, since nothing is asked of it here.

#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::collections::BTreeMap;

use guilloche::proxy::{Config, Proxy};
use tokio::sync::oneshot;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = r#"
        [listen]
        address = "127.0.0.1:0"
        [admin]
        address = "127.0.0.1:0"
        [upstream]
        url = "http://127.0.0.1:8000"
        [policy]
        file = "policies/graded.toml"
        [risk]
        trust = "peer"
    "#;
    let config = Config::parse("embedded_proxy.rs", config, &BTreeMap::new())?;
    let proxy = Proxy::bind(config).await?;
    println!("clients connect to http://{}", proxy.address());
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(proxy.run(async {
        // Also when this program has dropped its end.
        let _ = stopped.await;
    }));
    // Here the program does what it is for.
    let _ = stop.send(());
    running.await??;
    println!("stopped: every stream ended, every record written");
    Ok(())
}
