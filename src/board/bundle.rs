//! The legs of one cluster as few bytes. Texts that come again, as the caller's number does in each leg of a ring group,
//! stand there once; times are differences, most of which take three or four bytes.

use super::{
    clamp::{Clamp, ClampRule},
    fact::{EndedBy, LegFact, LegKey, Span, SpanState, TransferFact, WrapUpFact},
    facts::Cluster,
    packed::Pack,
    tile::TileLeg,
};
use crate::{
    call::Direction,
    clock::Micros,
    id::{Extension, ItemId, SourceName},
};
use std::sync::Arc;

/// A leg, and where the board takes it for over.
pub(super) type Bundled = (Arc<LegFact>, Option<Clamp>);

/// As a tile takes it.
pub(super) fn tile_leg((fact, clamp): &Bundled) -> TileLeg<'_> {
    TileLeg { fact, clamp: *clamp }
}

/// What was put away together.
#[derive(Debug, Default)]
pub(super) struct Bundle {
    pub(super) legs: Vec<Bundled>,
    /// It is one leg of a cluster of too many, or too long.
    pub(super) capped: bool,
}

impl Bundle {
    pub(super) fn pack(&self) -> Box<[u8]> {
        let mut writer = Writer::default();
        writer.number(self.capped.into());
        for (fact, clamp) in &self.legs {
            writer.leg(fact, *clamp);
        }
        writer.bytes.into_boxed_slice()
    }

    /// What was packed; nothing else is read.
    pub(super) fn unpack(bytes: &[u8]) -> Self {
        let mut reader = Reader { bytes, texts: Vec::new(), at: 0 };
        let capped = reader.number() == Some(1);
        let legs = std::iter::from_fn(|| (!reader.bytes.is_empty()).then(|| reader.leg()).flatten());
        Self { legs: legs.collect(), capped }
    }

    /// Whether what was packed is of a crowd.
    pub(super) fn is_capped(bytes: &[u8]) -> bool {
        bytes.first() == Some(&1)
    }

    /// As it is grouped.
    pub(super) fn cluster(&self) -> Cluster {
        Cluster { legs: self.legs.iter().map(|(fact, _)| fact.clone()).collect(), capped: self.capped }
    }
}

/// What is there of a leg, a bit each, in the order in which it is written; then its three enumerations.
const FLAGS: u32 = 14;

#[derive(Default)]
struct Writer<'a> {
    bytes: Vec<u8>,
    texts: Vec<&'a str>,
    /// The time that was written last.
    at: Micros,
}

impl<'a> Writer<'a> {
    fn leg(&mut self, fact: &'a LegFact, clamp: Option<Clamp>) {
        let flags = [
            fact.rang,
            fact.held_at_end,
            fact.direct,
            fact.external,
            fact.has_summary,
            fact.direction == Direction::Outbound,
            fact.answer.is_some(),
            fact.end.is_some(),
            fact.number.is_some(),
            fact.name.is_some(),
            fact.peer.is_some(),
            fact.peer_name.is_some(),
            fact.line.is_some(),
            fact.transfer.is_some(),
        ];
        let flags = flags.iter().enumerate().fold(0, |bits, (nth, flag)| bits | u64::from(*flag) << nth);
        let ended_by = match fact.ended_by {
            None => 0,
            Some(EndedBy::Hangup) => 1,
            Some(EndedBy::Summary) => 2,
            Some(EndedBy::Expired) => 3,
        };
        let clamped = match clamp.map(|clamp| clamp.why) {
            None => 0,
            Some(ClampRule::ConsultTail) => 1,
            Some(ClampRule::Ghost) => 2,
        };
        let wrapped = match &fact.wrap_up {
            None => 0,
            Some(WrapUpFact { disposition: None, .. }) => 1,
            Some(_) => 2,
        };
        self.number(flags | (ended_by | clamped << 2 | wrapped << 4) << FLAGS);
        self.number(fact.version.into());
        self.text(fact.key.extension.as_str());
        self.text(fact.key.source.as_str());
        self.own_text(fact.key.id.as_str());
        self.time(fact.start);
        fact.answer.into_iter().for_each(|at| self.time(at));
        fact.end.into_iter().for_each(|at| self.time(at));
        self.time(fact.reach);
        let texts = [&fact.number, &fact.name, &fact.peer, &fact.peer_name, &fact.line];
        texts.into_iter().flatten().for_each(|text| self.text(text));
        if let Some(TransferFact { original, via, completed_at }) = &fact.transfer {
            let are_there = [original.is_some(), via.is_some(), completed_at.is_some()];
            self.number(are_there.iter().rev().fold(0, |bits, is| bits << 1 | u64::from(*is)));
            [original, via].into_iter().flatten().for_each(|text| self.text(text));
            completed_at.iter().for_each(|at| self.time(*at));
        }
        if let Some(WrapUpFact { disposition, at }) = &fact.wrap_up {
            disposition.iter().for_each(|text| self.text(text));
            self.time(*at);
        }
        clamp.into_iter().for_each(|clamp| self.time(clamp.at));
        self.number(fact.spans.len() as u64);
        self.at = fact.start;
        for span in &fact.spans {
            let state = match span.state {
                SpanState::Ringing => 0,
                SpanState::Active => 1,
                SpanState::Held => 2,
            };
            self.number(state | u64::from(span.internal) << 2 | u64::from(span.to.is_some()) << 3);
            self.time(span.from);
            span.to.into_iter().for_each(|at| self.time(at));
        }
    }

    fn number(&mut self, number: u64) {
        number.pack(&mut self.bytes);
    }

    /// The difference to the last one, with its sign in the lowest bit.
    fn time(&mut self, at: Micros) {
        let later = at.wrapping_sub(self.at) as i64;
        self.number((later << 1 ^ later >> 63) as u64);
        self.at = at;
    }

    /// One that others have, too: written once, and named by its place from then on.
    fn text(&mut self, text: &'a str) {
        match self.texts.iter().position(|known| *known == text) {
            Some(nth) => self.number(nth as u64 + 1),
            None => {
                self.texts.push(text);
                self.number(0);
                self.own_text(text);
            }
        }
    }

    fn own_text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes.extend(text.as_bytes());
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    texts: Vec<Text>,
    at: Micros,
}

/// A text as it is needed: mostly an extension, a source or something to share.
#[derive(Clone)]
struct Text {
    shared: Arc<str>,
    extension: Option<Extension>,
    source: Option<SourceName>,
}

impl<'a> Reader<'a> {
    fn leg(&mut self) -> Option<Bundled> {
        let bits = self.number()?;
        let is = |nth: u32| bits >> nth & 1 == 1;
        let tail = bits >> FLAGS;
        let version = self.number()?.try_into().ok()?;
        let key = LegKey {
            extension: self.named(|text| &mut text.extension)?,
            source: self.named(|text| &mut text.source)?,
            id: self.id()?,
        };
        let start = self.time()?;
        let answer = self.time_if(is(6))?;
        let end = self.time_if(is(7))?;
        let reach = self.time()?;
        let number = self.text_if(is(8))?;
        let name = self.text_if(is(9))?;
        let peer = self.text_if(is(10))?;
        let peer_name = self.text_if(is(11))?;
        let line = self.text_if(is(12))?;
        let transfer = if is(13) { Some(self.transfer()?) } else { None };
        let wrap_up = match tail >> 4 & 3 {
            0 => None,
            some => Some(WrapUpFact { disposition: self.text_if(some == 2)?, at: self.time()? }),
        };
        let clamp = match tail >> 2 & 3 {
            0 => None,
            1 => Some(Clamp { at: self.time()?, why: ClampRule::ConsultTail }),
            _ => Some(Clamp { at: self.time()?, why: ClampRule::Ghost }),
        };
        let fact = LegFact {
            key,
            version,
            direction: if is(5) { Direction::Outbound } else { Direction::Inbound },
            start,
            rang: is(0),
            answer,
            end,
            ended_by: match tail & 3 {
                0 => None,
                1 => Some(EndedBy::Hangup),
                2 => Some(EndedBy::Summary),
                _ => Some(EndedBy::Expired),
            },
            held_at_end: is(1),
            spans: self.spans(start)?,
            direct: is(2),
            external: is(3),
            number,
            name,
            peer,
            peer_name,
            line,
            transfer,
            has_summary: is(4),
            wrap_up,
            reach,
        };
        Some((Arc::new(fact), clamp))
    }

    fn transfer(&mut self) -> Option<TransferFact> {
        let is = self.number()?;
        Some(TransferFact {
            original: self.text_if(is & 1 == 1)?,
            via: self.text_if(is & 2 == 2)?,
            completed_at: self.time_if(is & 4 == 4)?,
        })
    }

    fn spans(&mut self, start: Micros) -> Option<Vec<Span>> {
        let count = self.number()?;
        self.at = start;
        let mut span = || {
            let bits = self.number()?;
            let state = match bits & 3 {
                0 => SpanState::Ringing,
                1 => SpanState::Active,
                _ => SpanState::Held,
            };
            let from = self.time()?;
            Some(Span { state, internal: bits & 4 == 4, from, to: self.time_if(bits & 8 == 8)? })
        };
        (0..count).map(|_| span()).collect()
    }

    fn number(&mut self) -> Option<u64> {
        u64::unpack(&mut self.bytes)
    }

    fn time(&mut self) -> Option<Micros> {
        let number = self.number()?;
        let later = (number >> 1) as i64 ^ -((number & 1) as i64);
        self.at = self.at.wrapping_add(later as u64);
        Some(self.at)
    }

    fn time_if(&mut self, is_there: bool) -> Option<Option<Micros>> {
        if is_there { self.time().map(Some) } else { Some(None) }
    }

    fn text_if(&mut self, is_there: bool) -> Option<Option<Arc<str>>> {
        if is_there { self.text().map(|nth| Some(self.texts[nth].shared.clone())) } else { Some(None) }
    }

    /// A text as what it names, which is made of it once.
    fn named<T: Clone + for<'t> TryFrom<&'t str>>(
        &mut self,
        made: impl FnOnce(&mut Text) -> &mut Option<T>,
    ) -> Option<T> {
        let nth = self.text()?;
        let text = self.texts[nth].shared.clone();
        let made = made(&mut self.texts[nth]);
        if made.is_none() {
            *made = T::try_from(&text).ok();
        }
        made.clone()
    }

    fn id(&mut self) -> Option<ItemId> {
        ItemId::try_from(self.own_text()?).ok()
    }

    /// The place of a text among those that are known.
    fn text(&mut self) -> Option<usize> {
        match self.number()? {
            0 => {
                let shared = self.own_text()?.into();
                self.texts.push(Text { shared, extension: None, source: None });
                Some(self.texts.len() - 1)
            }
            nth => usize::try_from(nth - 1).ok().filter(|nth| *nth < self.texts.len()),
        }
    }

    fn own_text(&mut self) -> Option<&'a str> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        std::str::from_utf8(text).ok()
    }
}
