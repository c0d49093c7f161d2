//! The ending's own account, where no sign shows what lies behind it.

use crate::capture::{CloseKind, Effect};
use crate::cause::decide::Account;
use crate::cause::decide::courses::gave_up_after_a_stall;
use crate::cause::decide::weigh::{accusing_reset, groups, shown_outside};
use crate::cause::signs::resets::Class;
use crate::cause::signs::{resets, tls};
use crate::cause::{CauseKind, Confidence, Evidence, Sign, Strength, headers};
use crate::net::Leg;
use crate::smtp::ending::{Form, Turn, Why};
use crate::smtp::{EndingKind, Outcome};

use CauseKind::{
    ApplianceClosed, ApplianceLimit, ApplianceRefused, ApplianceStalled, ApplianceTimer, RemoteRefused,
    SenderAbandoned, SenderClosed, SenderQuit, SenderReset,
};

/// Independent signs of the sender, moderate or better, that make it likely that it reset the connection.
/// They never name it: a device on the way sees all that it would have to imitate.
pub(in crate::cause) const OWN_RESET_LIKELY: usize = 2;

/// The account of an ending.
pub(super) fn own_account(evidence: &Evidence<'_>, signs: &[Sign]) -> Account {
    let ending = evidence.ending;
    match ending.kind {
        EndingKind::Quit => {
            Account::new(SenderQuit, Confidence::Named, "the sender left at SMTP's level, by QUIT")
        }
        EndingKind::Abandoned => Account::new(
            SenderAbandoned,
            Confidence::Named,
            "the sender gave the message up by a command and kept the connection",
        ),
        EndingKind::Refused => refused(evidence),
        EndingKind::Fin => fin(evidence, signs),
        EndingKind::Rst => rst(evidence, signs),
        EndingKind::Silence => silence(evidence),
        EndingKind::ApplianceStalled => match ending.turn {
            Some(Turn::Path) => Account::not_visible(
                "the appliance's last words were never acknowledged: the path, or the sender's host, was gone",
            ),
            _ => Account::new(
                ApplianceStalled,
                Confidence::Likely,
                "it was the appliance's turn, its last word had been answered, and nothing came from it",
            ),
        },
        EndingKind::ApplianceClosed => appliance_closed(evidence, signs),
        EndingKind::Completed | EndingKind::CaptureEnded => {
            Account::not_visible("the capture does not hold the end of this connection")
        }
    }
}

fn refused(evidence: &Evidence<'_>) -> Account {
    if gave_up_after_a_stall(evidence) {
        return Account::not_visible(
            "a timer of the server ran out: its 421 came unasked, after a long silence, and what had brought the \
             dialogue to a stop does not show",
        );
    }
    let code = match evidence.transaction.map(|transaction| &transaction.outcome) {
        Some(Outcome::Refused { code, .. }) => Some(*code),
        _ => evidence.ending.code,
    };
    let words = code.map_or_else(String::new, |code| format!(" with {}", code.0));
    // Who refuses is the server: the appliance, and on a delivery the far end.
    match evidence.leg {
        Leg::Injection => {
            Account::new(ApplianceRefused, Confidence::Named, format!("the appliance refused{words}"))
        }
        Leg::Delivery => {
            Account::new(RemoteRefused, Confidence::Named, format!("the remote server refused{words}"))
        }
    }
}

fn fin(evidence: &Evidence<'_>, signs: &[Sign]) -> Account {
    if let Some(sign) = signs.iter().find(|sign| shown_outside(sign)) {
        return Account::new(SenderClosed, Confidence::Named, sign.detail.clone());
    }
    let accusing = groups(accusing_reset(signs), Strength::Moderate);
    if accusing > 0 {
        return Account::not_visible(
            "the FIN that ended it bears the sender's address, but not all of its header is the sender's usual one",
        );
    }
    let record_cut = signs.iter().any(|sign| sign.rule == &tls::RECORD_CUT);
    if evidence.ending.form == Some(Form::TlsAlert) {
        let answered =
            if evidence.ending.crossed { "" } else { ", and the appliance's FIN only answered it" };
        return Account::new(
            SenderClosed,
            Confidence::Likely,
            format!(
                "the sender's alert ended TLS{answered}; whether the alert is a close_notify or tells of an error, \
                 and whether a QUIT came before, cannot be read under TLS"
            ),
        );
    }
    if evidence.session.dialog.encryption.is_some() && !record_cut {
        return Account::new(
            SenderClosed,
            Confidence::Likely,
            "a FIN in sequence ended the connection; whether a QUIT came just before it cannot be read under TLS",
        );
    }
    if evidence.close_up.is_none() {
        return Account::new(
            SenderClosed,
            Confidence::Likely,
            "a FIN in sequence ended the connection without QUIT; the capture could be read only once, so its header was \
             not compared: save it as a file",
        );
    }
    if resets::distance::usual_ttl(evidence).is_some_and(|usual| headers::hops(usual.ttl).0 == 0) {
        return Account::new(
            SenderClosed,
            Confidence::Likely,
            "a FIN in sequence ended the connection; all that bears the sender's address was sent by a directly \
             attached host, so unless the sender is that, a proxy speaks for it",
        );
    }
    // A FIN nearly always comes from a real stack: the sender's, or that of a proxy that ends its connection.
    Account::new(
        SenderClosed,
        Confidence::Named,
        "a FIN in sequence, as the sender's own stack sends it, ended the connection without QUIT",
    )
}

fn rst(evidence: &Evidence<'_>, signs: &[Sign]) -> Account {
    if let Some(sign) = signs.iter().find(|sign| shown_outside(sign)) {
        return Account::new(SenderReset, Confidence::Named, sign.detail.clone());
    }
    let closes = &evidence.session.flow.closes;
    let sender = evidence.sender();
    let closed_before = closes
        .all
        .iter()
        .any(|close| close.by == sender && close.kind == CloseKind::Fin && close.effect == Effect::Effective);
    let effective = closes.effective.map(|close| close.at.frame);
    let class = resets::class_of(evidence, effective);
    if class == Some(Class::Stateless) && !closed_before {
        return Account::not_visible(
            "the reset only answers a packet of the appliance: its sender knows no such connection any more. \
             How that came about, by a close that was lost on the way, a restart, or a device that reset the \
             sender's side, happened out of sight",
        );
    }
    if groups(accusing_reset(signs), Strength::Moderate) > 0 {
        return Account::not_visible(
            "some of the reset's header is not the sender's usual one, but too little to name a device",
        );
    }
    let own =
        groups(signs.iter().filter(|sign| sign.rule.supports.contains(&SenderReset)), Strength::Moderate);
    if own >= OWN_RESET_LIKELY {
        return Account::new(
            SenderReset,
            Confidence::Likely,
            format!(
                "{own} independent marks of the reset are the sender's own; a device would have to imitate each"
            ),
        );
    }
    Account::not_visible(match evidence.close_up {
        Some(_) => {
            "the reset bears the sender's address, and too little in it tells whether the sender sent it"
        }
        None => {
            "the capture could be read only once, so the reset's header was not compared: save it as a file"
        }
    })
}

fn silence(evidence: &Evidence<'_>) -> Account {
    let alive = evidence.ending.stall.is_some_and(|stall| stall.tcp_alive);
    Account::not_visible(if alive {
        "the sender owed the next word and said nothing, while its TCP was alive: its program, or a proxy's, or a \
         device that held its data back"
    } else {
        "the sender owed the next word, and nothing came: its host, the path, or a device that dropped its \
         packets or reset only its side; all look the same from here"
    })
}

fn appliance_closed(evidence: &Evidence<'_>, signs: &[Sign]) -> Account {
    let ending = evidence.ending;
    if let Some(alert) = signs.iter().find(|sign| sign.rule == &tls::ALERT_BY_APPLIANCE) {
        return Account::new(ApplianceRefused, Confidence::Named, alert.detail.clone());
    }
    match ending.why {
        Some(Why::Limit) => {
            Account::new(ApplianceLimit, Confidence::Named, "the appliance closed with the words of a limit")
        }
        Some(Why::Policy) => Account::new(
            ApplianceRefused,
            Confidence::Named,
            "the appliance closed with the words of a policy",
        ),
        Some(Why::Timer) if ending.stall.is_some() => silence(evidence),
        Some(Why::Timer) => Account::new(
            ApplianceTimer,
            Confidence::Named,
            "the appliance's timer ran out while the sender still talked",
        ),
        Some(Why::Killed) => Account::new(
            ApplianceClosed,
            Confidence::Named,
            "the appliance was shut down or the connection killed",
        ),
        Some(Why::Unknown) | None => Account::new(
            ApplianceClosed,
            Confidence::Likely,
            "the appliance's own close came first, and nothing on the wire says why",
        ),
    }
}
