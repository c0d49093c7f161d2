//! Looks for libpcap before the long part of the build, so that its absence is told at once and
//! in words that help, not by the linker at the very end.

use std::env;
use std::path::Path;
use std::process::Command;

/// Where distributions and Homebrew put the library or its development link.
const USUAL_PLACES: [&str; 12] = [
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/lib",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib/arm-linux-gnueabihf",
    "/usr/lib/i386-linux-gnu",
    "/usr/lib/riscv64-linux-gnu",
    "/opt/homebrew/opt/libpcap/lib",
    "/usr/local/opt/libpcap/lib",
    "/Library/Developer/CommandLineTools/SDKs/MacOSX.sdk/usr/lib",
];

/// Names under which the linker takes it for `-lpcap`.
const NAMES: [&str; 4] = ["libpcap.so", "libpcap.a", "libpcap.dylib", "libpcap.tbd"];

/// Where the user says the library is; the crate `pcap` reads the same variable.
const LIBRARY_FOLDER: &str = "LIBPCAP_LIBDIR";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed={LIBRARY_FOLDER}");
    if env::var_os("CARGO_FEATURE_LIBPCAP").is_none() {
        return;
    }
    // On Windows the library comes with Npcap's SDK, whose place only the linker's path tells.
    let windows = env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "windows");
    let cross = env::var("HOST").ok() != env::var("TARGET").ok();
    if windows || cross || env::var_os(LIBRARY_FOLDER).is_some() || library_found() {
        return;
    }
    println!(
        "cargo:warning=libpcap was not found. Install libpcap-dev (Debian, Ubuntu), libpcap-devel (Fedora,"
    );
    println!(
        "cargo:warning=RHEL, SUSE) or libpcap (Homebrew), or set {LIBRARY_FOLDER} to the folder that holds it."
    );
    println!(
        "cargo:warning=Or build without it: cargo build --no-default-features. Captures are read all the"
    );
    println!("cargo:warning=same; only `--filter` and `--reader libpcap` are left out.");
    std::process::exit(1);
}

fn library_found() -> bool {
    pkg_config::Config::new().cargo_metadata(false).print_system_libs(false).probe("libpcap").is_ok()
        || Command::new("pcap-config").arg("--libs").output().is_ok_and(|said| said.status.success())
        || USUAL_PLACES.iter().any(|place| NAMES.iter().any(|name| Path::new(place).join(name).exists()))
}
