//! Where test data lies that is shared and no part of the project.

use std::path::{Path, PathBuf};

/// Files of the shared captures whose streams are in tunnels.
#[allow(dead_code, reason = "not every test follows streams")]
pub(crate) const TUNNELS: [&str; 3] =
    ["arkime__gre-erspan-vxlan.pcap", "ndpi__6in4tunnel.pcap", "pcapsql__vxlan_simple.pcap"];

/// The variable that names the shared folder; without it, it is looked for beside the project.
const SHARED: &str = "MAILWITNESS_SHARED";

/// The folder of the shared captures; `None`, with a word on it, where there is none.
pub(crate) fn captures() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let folder = std::env::var_os(SHARED).map_or(beside, PathBuf::from).join("captures");
    if folder.join("oracle.jsonl").exists() {
        return Some(folder);
    }
    println!("no shared captures: set {SHARED} to their folder for this test to mean something");
    None
}
