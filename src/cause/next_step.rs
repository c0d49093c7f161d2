//! What would settle it: the next thing to look at, with the filter to use.

use crate::cause::signs::resets::distance;
use crate::cause::{CauseKind, Confidence, Evidence, SecondSide, Vantage, headers};
use crate::net::{Endpoint, Leg};

/// The step that would settle `cause`; `None` where nothing is left to settle.
pub fn next_step(cause: CauseKind, confidence: Confidence, evidence: &Evidence<'_>) -> Option<String> {
    let session = evidence.session;
    let (sender, appliance) = match evidence.leg.appliance() {
        crate::net::Role::Server => (session.client(), session.server()),
        crate::net::Role::Client => (session.server(), session.client()),
    };
    let outside = || other_side(evidence, sender, appliance);
    let step = match cause {
        CauseKind::MiddleboxReset => format!(
            "{} A reset that the sender's side does not show was made in between; what bears another IP ID or \
             sequence number there was changed in between.",
            outside()
        ),
        CauseKind::MiddleboxRewriting => format!(
            "{} Compare the commands: those of the sender are whole on its side. Then take the SMTP inspection of that \
             device off for this traffic (on a Cisco ASA `no inspect esmtp`).",
            outside()
        ),
        CauseKind::MiddleboxProxy | CauseKind::MiddleboxLimit | CauseKind::ContentBlocked => format!(
            "{} Where the sender's packets reach its side and not the appliance's, look up this connection in the \
             device's own log of inspection.",
            outside()
        ),
        CauseKind::PmtuBlackHole => {
            // It is the client's body that is too large for the path.
            let (side, target) = match evidence.leg {
                Leg::Injection => ("sender's", appliance.ip),
                Leg::Delivery => ("appliance's", sender.ip),
            };
            format!(
                "Send packets of the full size from the {side} side with the don't-fragment bit set (`ping -M do -s \
                 1472 {target}`), and let ICMP \"fragmentation needed\" (type 3 code 4; for IPv6 type 2) through \
                 every firewall, or lower the MSS at the gateway."
            )
        }
        CauseKind::PathLostData => format!("{} What is in that capture and not in this one was lost in between.", outside()),
        CauseKind::NotVisibleHere => match evidence.close_up {
            None => "Save the capture as a file and run the report on it: it is read twice.".to_owned(),
            Some(_) => outside(),
        },
        CauseKind::SenderGaveUpWaiting | CauseKind::ApplianceStalled => {
            "Look into the appliance's load and its look-ups at that time: status and LDAP or DNS logs, the work \
             queue, and the time of its reply in this capture."
                .to_owned()
        }
        CauseKind::ApplianceClosed if evidence.vantage != Vantage::OnAppliance => format!(
            "Capture on the appliance itself, with the filter `{}`: only there its own packets are certain.",
            filter(sender, appliance)
        ),
        CauseKind::ApplianceTimer | CauseKind::SenderStalled => {
            "Ask the sender's side for its log of this connection: its own words tell what it waited for."
                .to_owned()
        }
        CauseKind::SenderReset | CauseKind::SenderClosed if confidence == Confidence::Likely => outside(),
        _ => return None,
    };
    Some(step)
}

/// The step where a capture of the sender's side has settled it already.
pub fn between(cause: CauseKind) -> Option<String> {
    cause.accuses().then(|| {
        "It happened between the places of the two captures: ask each device there for its log of this connection, \
         and capture between them to find which it was."
            .to_owned()
    })
}

/// Where and how to take the capture that settles it, as what there is already allows.
fn other_side(evidence: &Evidence<'_>, sender: Endpoint, appliance: Endpoint) -> String {
    let filter = filter(sender, appliance);
    match evidence.second_side {
        SecondSide::Shown => format!(
            "The capture given as `--outside` shows this connection and does not settle it: where it is not whole, \
             take it anew without loss; else capture nearer to the sender, on its own host if you can, at the same \
             time, with the filter `{filter}`."
        ),
        SecondSide::Lacking => format!(
            "The capture given as `--outside` does not show this connection: take it on the sender's side of the \
             firewall over the whole time of this one, with the filter `{filter}`."
        ),
        SecondSide::NotGiven if is_at_the_sender(evidence) => format!(
            "This capture was taken on the sender's side already: capture on the appliance at the same time, with \
             the filter `{filter}`, and report on that file, with one of this side as `--outside FILE`."
        ),
        SecondSide::NotGiven => format!(
            "Capture on the sender's side of the firewall at the same time, with the filter `{filter}`, and give \
             that file as `--outside FILE`."
        ),
    }
}

/// Whether the sender's packets have passed no router before this capture, and the appliance's have.
fn is_at_the_sender(evidence: &Evidence<'_>) -> bool {
    evidence.vantage == Vantage::OnTheWay
        && distance::usual_ttl(evidence).is_some_and(|usual| headers::hops(usual.ttl).0 == 0)
}

fn filter(sender: Endpoint, appliance: Endpoint) -> String {
    let port = if appliance.port < sender.port { appliance.port } else { sender.port };
    format!("host {} and (tcp port {port} or icmp or icmp6)", sender.ip)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::trace::SegmentHeader;
    use crate::cause::testing::{Scene, sender};

    fn step(evidence: &Evidence<'_>) -> String {
        next_step(CauseKind::SenderReset, Confidence::Likely, evidence).unwrap()
    }

    #[test]
    fn nobody_is_sent_where_there_is_a_capture_already() {
        let scene = Scene::with_headers([]);
        let evidence = scene.evidence();
        let asks = "Capture on the sender's side of the firewall";
        assert!(step(&evidence).starts_with(asks));
        let shown = Evidence { second_side: SecondSide::Shown, ..evidence };
        assert!(step(&shown).contains("nearer to the sender"), "{}", step(&shown));
        let lacking = Evidence { second_side: SecondSide::Lacking, ..evidence };
        assert!(step(&lacking).contains("over the whole time"), "{}", step(&lacking));
        // The sender's packets of this scene have passed routers, so another place on the way is no side of its.
        assert!(step(&Evidence { vantage: Vantage::OnTheWay, ..evidence }).starts_with(asks));
    }

    #[test]
    fn a_capture_beside_the_sender_asks_for_one_at_the_appliance() {
        let mut scene = Scene::with_headers([]);
        scene.vantage = Vantage::OnTheWay;
        scene.close_up.trace.habits.originator.ttls.clear();
        for at in 0..9 {
            scene.push(SegmentHeader { ttl: 64, ..sender(at) });
        }
        let said = step(&scene.evidence());
        assert!(said.contains("capture on the appliance"), "{said}");
        scene.vantage = Vantage::OnAppliance;
        assert!(!step(&scene.evidence()).contains("capture on the appliance"));
    }
}
