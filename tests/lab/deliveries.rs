//! Deliveries, told by the remote end's deeds: the appliance is the client.

use serde_json::Value;

use crate::cases::Measured;

/// Everything about the deliveries of a case that is not as expected, in words.
pub(crate) fn faults(case: &Measured) -> Vec<String> {
    let of_deliveries = |report: &'_ Value| -> Vec<Value> {
        report["cases"].as_array().unwrap().iter().filter(|one| !one["dcid"].is_null()).cloned().collect()
    };
    let (failed, all) = (of_deliveries(&case.report), of_deliveries(&case.everything));
    let deliveries = case.expected["deliveries"].as_array().map_or(&[][..], Vec::as_slice);
    let found = |want: &Value| if want["claim"] == "delivered" { &all } else { &failed };
    deliveries.iter().filter_map(|want| compare(&case.name, found(want), want).err()).collect()
}

fn compare(name: &str, found: &[Value], want: &Value) -> Result<(), String> {
    let name = format!("{name}: MID {} DCID {}", want["mid"], want["dcid"]);
    let case = found
        .iter()
        .find(|case| case["mid"] == want["mid"] && case["dcid"] == want["dcid"])
        .ok_or_else(|| format!("{name} is not in the report"))?;
    let (wire, kind) = (&case["wire"], &case["wire"]["ending"]["kind"]);
    // The log's words for a failure are the network's.
    let network = ["remote_closed", "remote_reset", "delivery_timed_out"];
    match want["claim"].as_str() {
        Some("connection_error") if network.iter().any(|claim| case["claim"] == *claim) => {}
        _ => same(&format!("{name}: claim"), &case["claim"], &want["claim"])?,
    }
    same(&format!("{name}: icid"), &case["icid"], &Value::Null)?;
    same(&format!("{name}: leg"), &case["leg"], &"delivery".into())?;
    let told = |key: &str, usual: &str| want.get(key).cloned().unwrap_or_else(|| usual.into());
    let outcome = told("match", "matched");
    same(&format!("{name}: match"), &case["match"]["outcome"], &outcome)?;
    if outcome == "ambiguous" {
        // What is shown may be another one's.
        return same(&format!("{name}: verdict"), &case["verdict"], &told("verdict", "undetermined"));
    }
    for key in ["client", "server"] {
        same(&format!("{name}: {key}"), &wire[key], &want[key])?;
    }
    // The file may end while nothing is acknowledged any more: then it must say so and judge nothing.
    if want["kind"] == "silence" && kind == "capture_ended" {
        same(&format!("{name}: turn"), &wire["turn"], &"path".into())?;
        return same(&format!("{name}: verdict"), &case["verdict"], &"undetermined".into());
    }
    same(&format!("{name}: kind"), kind, &want["kind"])?;
    // A report calls the far end the sender; what the words of a failed handshake claim is not known.
    let by = if want["by"] == "appliance" { "appliance" } else { "sender" };
    same(&format!("{name}: by"), &wire["ending"]["by"], &by.into())?;
    // Where the wire cannot tell, the case says so.
    same(&format!("{name}: verdict"), &case["verdict"], &told("verdict", "confirmed"))
}

fn same(what: &str, found: &Value, expected: &Value) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found}, expected {expected}")) }
}
