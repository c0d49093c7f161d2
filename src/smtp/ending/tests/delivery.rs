//! The appliance as the client: how deliveries end.

use super::*;

const AT_CLIENT: Context = Context { appliance: Client, ..AT_SERVER };

#[test]
fn a_server_that_leaves_with_a_word_refused() {
    let rows: Vec<(Script, Stage, u16)> = vec![
        (Script::new().s("421 4.3.2 Too many connections\r\n").fin(Server), Stage::Greeting, 421),
        (Script::new().s("554 no\r\n").fin(Client), Stage::Greeting, 554),
        (body().s("421 shutting down\r\n").fin(Server), Stage::Body, 421),
        (mail().c("RCPT TO:<b>\r\n").s("451 greylisted\r\n").fin(Server), Stage::Rcpt, 451),
    ];
    for (script, stage, code) in rows {
        let ending = ended(&script, &AT_CLIENT);
        assert_eq!((ending.kind, ending.by, ending.stage), (Refused, Some(Server), stage), "{ending:?}");
        assert_eq!(ending.code, Some(ReplyCode(code)));
    }
}

/// An appliance whose octets nobody acknowledges did not stall: nothing came back from the far end.
#[test]
fn octets_that_nobody_acknowledges_are_the_other_ends_silence() {
    for script in [body(), dot(), recipient().c("DATA\r\n")] {
        let ending = ended(&script.undelivered(Client).wait(300).fin(Client), &AT_CLIENT);
        assert_eq!((ending.kind, ending.by), (Silence, Some(Server)), "{ending:?}");
        assert_eq!(ending.turn, Some(Turn::Path));
    }
    // With all of it acknowledged, the next octet of the body is the appliance's to send.
    let ending = ended(&body().wait(300).fin(Client), &AT_CLIENT);
    assert_eq!((ending.kind, ending.turn), (ApplianceStalled, Some(Turn::Of(Client))));
}

#[test]
fn a_remote_window_without_room_is_the_remote_servers_turn() {
    let mut script = body().wait(300).fin(Client);
    script.server_window = 0;
    let ending = ended(&script, &AT_CLIENT);
    assert_eq!((ending.kind, ending.by, ending.turn), (Silence, Some(Server), Some(Turn::Of(Server))));
}

#[test]
fn the_appliances_quit_is_its_own() {
    let ending = ended(&recipient().c("QUIT\r\n").s("221 bye\r\n").fin(Server), &AT_CLIENT);
    assert_eq!((ending.kind, ending.by), (Quit, Some(Client)));
    let ending = ended(&dot().s("250 ok\r\n").c("QUIT\r\n").s("221 bye\r\n").fin(Server), &AT_CLIENT);
    assert_eq!((ending.kind, ending.by), (Completed, Some(Server)));
}
