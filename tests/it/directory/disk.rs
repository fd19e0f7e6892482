//! On the embedded engine: an answer waits for the disk, and what was answered is there after a power cut.

use crate::support::{
    Config, Disk, Gateway,
    directory::{JSON, etag, get, put, replace, row, rows},
    new_tenant,
    process::callpop,
};
use serde_json::json;
use std::pin::pin;

/// The files of the journal that is written ahead.
const LOGS: &str = "*/events/*.rows";

#[tokio::test]
async fn a_204_waits_for_the_disk_also_for_who_asks_again() {
    let (disk, config) = (Disk::new(), Config::new());
    let mut gateway = Gateway::start_with(&config, disk.under(callpop())).await;
    let tenant = new_tenant();
    let first = replace(&gateway, &tenant, &[row("200", &["sub:ann"])]).await;
    let body = rows(&[row("210", &["sub:ann"])]);
    let written = {
        disk.hold(LOGS);
        let mut once = pin!(put(&gateway, &tenant, &first, JSON, &body));
        tokio::select! {
            answer = &mut once => panic!("{} while nothing was on the disk", answer.status()),
            () = disk.holds() => {}
        }
        // What it says is there already, but not on the disk.
        let mut again = pin!(put(&gateway, &tenant, &first, JSON, &body));
        for _ in 0..5 {
            tokio::select! {
                biased;
                answer = &mut once => panic!("{} before the sync was done", answer.status()),
                answer = &mut again => panic!("{} for a second time before it", answer.status()),
                other = gateway.operator("/healthz") => assert_eq!(other.status(), 200),
            }
        }
        disk.heal();
        let (once, again) = tokio::join!(once, again);
        assert_eq!((once.status().as_u16(), again.status().as_u16()), (204, 204));
        assert_eq!(etag(&once), etag(&again));
        etag(&once)
    };
    gateway.process.kill();
    disk.cut_power(&config.data_dir());
    let gateway = config.start().await;
    assert_eq!(get(&gateway, &tenant).await, (written, json!({"rows": [row("210", &["sub:ann"])]})));
}
