//! One connection as two captures have it.

use ahash::AHashSet;

use crate::cause::outside::clock::{fastest_in, there_and_back};
use crate::cause::outside::pairs::{Pair, Pairs};
use crate::cause::outside::passage::{answered_first, is_one_packet, look_differs};
use crate::cause::outside::places::{Places, Ranges};
use crate::cause::outside::{Identity, Offset, Packet, Passage, Tape};
use crate::cite::FrameRef;
use crate::net::Endpoint;
use crate::time::{Span, Timestamp};

/// Frames named for one finding.
pub(super) const MAX_FRAMES: usize = 16;
/// Closes of one end that are looked at.
const MAX_CLOSES: usize = 256;
/// Two places between which a packet and its answer take less are one, where no router lies between them:
/// captures on one host, or on two ports of one switch.
const ONE_PLACE: Span = Span::from_nanos(50_000);

/// What the two captures say of one connection.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Packets found on both sides.
    pub matched: usize,
    /// The first of them, outside.
    pub first: FrameRef,
    /// How the clocks stand.
    pub clock: Offset,
    /// How many hops more than inside the sender's packets have left outside; the most frequent figure.
    pub hops: i16,
    /// How many hops more than outside the appliance's packets have left inside.
    pub hops_back: i16,
    /// Whether the packets are the same ones.
    pub passage: Passage,
    /// What shows that.
    pub identity: Identity,
    /// The ends inside, and outside: the sender's, the appliance's.
    pub ends: Option<[[Endpoint; 2]; 2]>,
    /// Whether the outside capture covers the connection's time and is not known to lack frames.
    pub covered: bool,
    /// Whether it also holds all octets that the inside one does.
    pub whole: bool,
    /// Whether the inside capture has all packets of the connection, as far as it knows.
    pub inside_whole: bool,
    /// Nothing lies between the two captures, or one is a copy of the other.
    pub one_place: Option<OnePlace>,
    /// Closes (FIN, RST) in the sender's name that are inside and not outside.
    pub only_inside: Vec<Packet>,
    /// Closes in the appliance's name that are outside and not inside.
    pub only_outside: Vec<Packet>,
    /// Closes in the sender's name that are on both sides: inside and outside.
    pub on_both: Vec<(Packet, Packet)>,
    /// The first close outside: the sender's, and one in the appliance's name.
    pub first_closes: [Option<Packet>; 2],
    /// Octets of the sender that the outside capture has, and that neither came nor were acknowledged inside.
    pub dropped: Octets,
    /// Octets of the appliance that the inside capture has, and that were neither seen outside nor
    /// acknowledged by the sender.
    pub dropped_to_sender: Octets,
    /// Nothing of the appliance is without a trace outside: what its packets lack there, the sender acknowledged there.
    pub sender_heard_all: bool,
    /// Octets in the appliance's name that the outside capture has, and that the appliance never sent.
    pub made_to_sender: Octets,
    /// Segments at one place and of one length whose octets differ: inside and outside.
    pub changed: Vec<(Packet, Packet)>,
    /// Words of both ends, the same on both sides, came after the last segment that differs: the dialogue went on.
    pub went_on: bool,
    /// Segments whose octets are at another place of the stream outside: something was put in or taken out
    /// before them.
    pub moved: Vec<(Packet, Packet)>,
    /// Octets of the sender on the inside.
    pub octets: u64,
}

/// Why two captures are from one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnePlace {
    /// Their times are the same to the last digit: copies of one capture.
    Copy,
    /// No router and no time lies between them.
    NothingBetween,
}

/// Octets of a stream that are on one side only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Octets {
    /// How many.
    pub count: u64,
    /// Frames that hold them, the first few.
    pub frames: Vec<FrameRef>,
}

/// The outside capture as a whole.
#[derive(Debug, Clone, Copy)]
pub struct Reach {
    /// The time that it covers, by its own clock.
    pub span: (Timestamp, Timestamp),
    /// It is known to lack frames.
    pub incomplete: bool,
    /// The inside capture is known to lack frames.
    pub inside_incomplete: bool,
}

impl Comparison {
    /// Compares a connection; `None` where too little of it is on both sides.
    pub fn of(inside: &Tape, outside: &Tape, reach: Reach) -> Option<Self> {
        let (own, other) = Places::of_both(inside, outside);
        let pairs = Pairs::of(inside, outside, &own, &other)?;
        let all = || pairs.same_place.iter().chain(&pairs.moved);
        let clock = Offset::of(all())?;
        let hops = |by_sender| most_frequent(all().filter(move |(one, _)| one.by_sender == by_sender));
        // What was sent after the inside capture's last word of this connection may just not be in its file.
        let until = inside.packets.last()?.at.time.plus(clock.ahead);
        let in_time = || outside.packets.iter().filter(move |packet| packet.at.time <= until);
        let (came, sent) =
            (own.ranges(inside.packets.iter(), true), other.ranges(outside.packets.iter(), true));
        let (said, left) =
            (own.ranges(inside.packets.iter(), false), other.ranges(outside.packets.iter(), false));
        let reached = own.highest_ack(inside.packets.iter(), false);
        let heard = other.highest_ack(outside.packets.iter(), true);
        let dropped = other.ranges(in_time(), true).without(&came).beyond(reached);
        let made = made_in_between(inside, in_time(), (&own, &other), &pairs, clock);
        // What is there is covered; what is not must surely have been in its time.
        let covers = |packet: &Packet| {
            let time = packet.at.time.plus(clock.ahead);
            let sure = clock.give_or_take;
            all().any(|(one, _)| one.at.frame == packet.at.frame)
                || (reach.span.0 <= time.minus(sure) && time.plus(sure) <= reach.span.1)
        };
        let mut telling = inside.packets.iter().filter(|packet| packet.is_telling());
        let (first, last) = (telling.next(), telling.next_back());
        let covered = first.is_some_and(covers) && last.is_none_or(covers);
        let covered = covered && !(inside.cut || outside.cut || reach.incomplete);
        // What was moved is not missing: it stands elsewhere. What was left out of a tape may have been there.
        let straight = pairs.moved.is_empty() && !inside.cut && !outside.cut;
        let known = |octets: Ranges, tape: &Tape, places: &Places, by_sender: bool| {
            if straight { Octets::of(&octets, tape, places, by_sender) } else { Octets::default() }
        };
        let (only_inside, on_both) = closes(inside, outside, &own, &other);
        let appliances = in_time().filter(|packet| !packet.by_sender && packet.is_close()).take(MAX_CLOSES);
        let first_own = inside.packets.iter().find(|packet| !packet.by_sender && packet.is_close());
        // Once the appliance has closed, a close of other numbers may be its own, rewritten on the way; and a FIN
        // that the sender's ACK covers inside may be lacking only in the file.
        let answered = own.highest_ack(inside.packets.iter(), true);
        let only_outside = appliances.filter(|close| {
            let latest = close.at.time.minus(clock.ahead).plus(clock.give_or_take);
            let known = first_own.is_some_and(|own| own.at.time <= latest)
                || (close.flags.fin() && other.octets(close).1 < answered);
            !known && own.twin(inside, close, other.place(close)).is_none()
        });
        let identity = Identity {
            same: all().filter(|pair| is_one_packet(pair) == Some(true)).count(),
            other: all().filter(|pair| is_one_packet(pair) == Some(false)).count(),
            renumbered: [own.differ(&other, true), own.differ(&other, false)],
            looks_differ: look_differs(inside, outside, true),
            answered_first: answered_first(inside, outside, fastest_in(all())),
            acknowledged_in_between: acknowledged(
                other.highest_ack(in_time(), false),
                reached.max(own.reached_by(inside, true)),
            ),
        };
        let passage = Passage::of(all(), &identity);
        // A proxy's acknowledgments inside are not the sender's.
        let heard = match passage {
            Passage::Proxied => heard,
            _ => heard.max(own.highest_ack(inside.packets.iter(), true)),
        };
        let unseen = said.without(&left);
        let sender_heard_all = unseen.beyond(other.highest_ack(outside.packets.iter(), true)).is_empty();
        let to_sender = unseen.beyond(heard);
        let first_close = |by_sender| {
            outside.packets.iter().find(|packet| packet.by_sender == by_sender && packet.is_close()).copied()
        };
        let changed = pairs.same_place.iter().filter(|pair| differs(pair));
        let several = |pairs: Vec<&Pair<'_>>| -> Vec<(Packet, Packet)> {
            pairs.into_iter().take(MAX_FRAMES).map(|(one, other)| (**one, **other)).collect()
        };
        let mut this = Self {
            matched: all().count(),
            first: all().map(|(_, copy)| copy.at.frame).min()?,
            clock,
            hops: hops(true)?,
            hops_back: hops(false).map_or(0, |hops| -hops),
            passage,
            identity,
            ends: inside.ends.zip(outside.ends).map(|(here, there)| [here, there]),
            covered,
            whole: covered && straight && came.without(&sent).is_empty(),
            inside_whole: !inside.cut && !reach.inside_incomplete,
            one_place: None,
            only_inside,
            only_outside: only_outside.take(MAX_FRAMES).copied().collect(),
            on_both,
            first_closes: [first_close(true), first_close(false)],
            dropped: known(dropped, outside, &other, true),
            dropped_to_sender: known(to_sender, inside, &own, false),
            sender_heard_all,
            made_to_sender: if straight { made } else { Octets::default() },
            went_on: went_on(&pairs),
            changed: several(changed.collect()),
            moved: several(pairs.moved.iter().collect()),
            octets: came.octets(),
        };
        this.one_place = this.shares_its_place(all());
        Some(this)
    }

    fn shares_its_place<'a>(&self, pairs: impl Iterator<Item = &'a Pair<'a>> + Clone) -> Option<OnePlace> {
        if pairs.clone().all(|(one, other)| one.at.time == other.at.time && one.ttl == other.ttl) {
            return Some(OnePlace::Copy);
        }
        let nothing = self.hops == 0 && self.hops_back == 0 && self.passage == Passage::SamePackets;
        let at_once = there_and_back(pairs).is_some_and(|span| span.abs() < ONE_PLACE);
        (nothing && at_once && !self.shows_a_difference()).then_some(OnePlace::NothingBetween)
    }

    /// Whether anything is on one side only, or other than on the other.
    fn shows_a_difference(&self) -> bool {
        let octets = [&self.dropped, &self.dropped_to_sender, &self.made_to_sender];
        octets.iter().any(|octets| octets.count > 0)
            || !(self.changed.is_empty() && self.moved.is_empty())
            || !(self.only_inside.is_empty() && self.only_outside.is_empty())
            || self.identity.renumbered.contains(&true)
    }

    /// Whether an end's address or port is another outside: the sender's, the appliance's.
    pub fn translated(&self) -> [bool; 2] {
        self.ends.map_or([false; 2], |[[sender, appliance], [sender_there, appliance_there]]| {
            [sender != sender_there, appliance != appliance_there]
        })
    }
}

impl Octets {
    fn of(octets: &Ranges, tape: &Tape, places: &Places, by_sender: bool) -> Self {
        let own = tape.packets.iter().filter(|packet| packet.by_sender == by_sender);
        let holding = own.filter(|packet| octets.touches(places.octets(packet)));
        Self {
            count: octets.octets(),
            frames: holding.map(|packet| packet.at.frame).take(MAX_FRAMES).collect(),
        }
    }
}

/// Whether the octets differ.
fn differs((inside, outside): &Pair<'_>) -> bool {
    matches!((inside.sum, outside.sum), (Some(one), Some(other)) if one != other)
}

fn went_on(pairs: &Pairs<'_>) -> bool {
    let differing = pairs.same_place.iter().filter(|pair| differs(pair)).chain(&pairs.moved);
    let last = differing.map(|(packet, _)| packet.at.time).max();
    let after = |by_sender: bool| {
        let words = pairs.same_place.iter().filter(|(packet, _)| packet.payload > 0);
        words.into_iter().any(|(packet, _)| packet.by_sender == by_sender && Some(packet.at.time) > last)
    };
    after(true) && after(false)
}

/// Octets in the appliance's name that were outside before the appliance had said anything at their place.
fn made_in_between<'a>(
    inside: &Tape,
    outside: impl Iterator<Item = &'a Packet>,
    (own, other): (&Places, &Places),
    pairs: &Pairs<'_>,
    clock: Offset,
) -> Octets {
    let paired: AHashSet<FrameRef> = pairs.same_place.iter().map(|(_, copy)| copy.at.frame).collect();
    // What the sender acknowledged inside was said, and only the inside file lacks it.
    let answered = own.highest_ack(inside.packets.iter(), true);
    let mut made = Octets::default();
    let alone = outside.filter(|packet| !packet.by_sender && packet.payload > 0);
    for packet in alone.filter(|packet| !paired.contains(&packet.at.frame)).take(MAX_FRAMES) {
        let (from, to) = other.octets(packet);
        let latest = packet.at.time.minus(clock.ahead).plus(clock.give_or_take);
        let was_said = inside.packets.iter().any(|said| {
            let (begin, end) = own.octets(said);
            !said.by_sender && said.payload > 0 && said.at.time <= latest && begin < to && from < end
        });
        if to > answered && !was_said {
            made.count += u64::from(packet.payload);
            made.frames.push(packet.at.frame);
        }
    }
    made
}

/// How many octets more were acknowledged outside than inside; a FIN's number alone is none.
fn acknowledged(outside: i64, inside: i64) -> u64 {
    u64::try_from(outside - inside).ok().filter(|octets| inside > 0 && *octets > 1).unwrap_or(0)
}

/// The closes in the sender's name that are inside only, and those on both sides.
fn closes(
    inside: &Tape,
    outside: &Tape,
    own: &Places,
    other: &Places,
) -> (Vec<Packet>, Vec<(Packet, Packet)>) {
    let (mut only_inside, mut on_both) = (Vec::new(), Vec::new());
    let closes = inside.packets.iter().filter(|packet| packet.by_sender && packet.is_close());
    for close in closes.take(MAX_FRAMES) {
        match other.twin(outside, close, own.place(close)) {
            Some(twin) => on_both.push((*close, *twin)),
            None => only_inside.push(*close),
        }
    }
    (only_inside, on_both)
}

/// The most frequent difference of the TTLs, resets left out.
fn most_frequent<'a>(pairs: impl Iterator<Item = &'a Pair<'a>>) -> Option<i16> {
    let mut counts: std::collections::BTreeMap<i16, usize> = std::collections::BTreeMap::new();
    for (inside, outside) in pairs.filter(|(packet, _)| !packet.flags.rst()) {
        *counts.entry(i16::from(outside.ttl) - i16::from(inside.ttl)).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map(|(hops, _)| hops)
}
