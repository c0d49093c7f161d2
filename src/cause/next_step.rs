//! What would settle it: the next thing to look at, with the filter to use.

use crate::cause::{CauseKind, Confidence, Evidence, Vantage};
use crate::net::Endpoint;

/// The step that would settle `cause`; `None` where nothing is left to settle.
pub fn next_step(cause: CauseKind, confidence: Confidence, evidence: &Evidence<'_>) -> Option<String> {
    let session = evidence.session;
    let (sender, appliance) = match evidence.leg.appliance() {
        crate::net::Role::Server => (session.client(), session.server()),
        crate::net::Role::Client => (session.server(), session.client()),
    };
    let outside = || outside(sender, appliance);
    let step = match cause {
        CauseKind::MiddleboxReset => format!(
            "{} A reset that is not in that capture was made in between; what bears another IP ID or sequence \
             number there was changed in between.",
            outside()
        ),
        CauseKind::MiddleboxRewriting => format!(
            "{} Compare the commands: those of the sender are whole there. Then take the SMTP inspection of that \
             device off for this traffic (on a Cisco ASA `no inspect esmtp`).",
            outside()
        ),
        CauseKind::MiddleboxProxy | CauseKind::MiddleboxLimit | CauseKind::ContentBlocked => format!(
            "{} Where the sender's packets reach that side and not this one, look up this connection in the \
             device's own log of inspection.",
            outside()
        ),
        CauseKind::PmtuBlackHole => format!(
            "Send packets of the full size from the sender's side with the don't-fragment bit set (`ping -M do -s \
             1472 {}`), and let ICMP \"fragmentation needed\" (type 3 code 4; for IPv6 type 2) through every \
             firewall, or lower the MSS at the gateway.",
            appliance.ip
        ),
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

/// How to take the capture that settles it.
fn outside(sender: Endpoint, appliance: Endpoint) -> String {
    format!(
        "Capture on the sender's side of the firewall at the same time, with the filter `{}`, and give that file \
         as `--outside FILE`.",
        filter(sender, appliance)
    )
}

fn filter(sender: Endpoint, appliance: Endpoint) -> String {
    let port = if appliance.port < sender.port { appliance.port } else { sender.port };
    format!("host {} and (tcp port {port} or icmp or icmp6)", sender.ip)
}
