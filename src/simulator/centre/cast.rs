//! Whom a call needs: phones that are free, with an integration or without.

use super::{
    deal::Deal,
    deck::{After, Fate, Ringing, Sort},
    staff::Staff,
};

/// The most phones that are hunted through.
const MOST_HUNTED: usize = 4;

/// Those who take part in a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cast {
    /// Whose phones ring for it, in this order.
    pub(super) ringing: Vec<u16>,
    /// Who takes it, would have, or makes it.
    pub(super) taker: u16,
    /// To whom it is transferred, who is called within the centre, or who takes the other of two.
    pub(super) target: Option<u16>,
}

/// The members to choose among.
struct Choice<'a, F> {
    staff: &'a Staff,
    deal: &'a mut Deal,
    is_free: F,
}

impl Cast {
    /// Chooses them; none where not all are free that it takes.
    pub(super) fn of(
        sort: Sort,
        staff: &Staff,
        deal: &mut Deal,
        is_free: impl Fn(u16) -> bool,
    ) -> Option<Self> {
        let mut choice = Choice { staff, deal, is_free };
        match sort {
            Sort::Leaves => Some(Self::default()),
            Sort::Inbound(ringing, fate) => {
                let is_seen = fate != Fate::TakenUnseen;
                let cast = match ringing {
                    Ringing::Direct | Ringing::Retry => choice.one(is_seen)?,
                    Ringing::Group => choice.group(is_seen, usize::MAX)?,
                    Ringing::Staggered | Ringing::Hunt => choice.group(is_seen, MOST_HUNTED)?,
                };
                choice.with_target(cast, if let Fate::Taken(after) = fate { after } else { After::Talk })
            }
            Sort::Outbound(after) => {
                let cast = choice.one(true)?;
                choice.with_target(cast, after.unwrap_or(After::Talk))
            }
            Sort::Twins => {
                let cast = choice.one(true)?;
                let target = Some(choice.any(true, Some(cast.taker))?);
                Some(Self { target, ..cast })
            }
            Sort::Internal(reception) => {
                let cast = choice.one(true)?;
                let target = Some(choice.any(reception.is_seen(), Some(cast.taker))?);
                Some(Self { target, ..cast })
            }
        }
    }
}

impl<F: Fn(u16) -> bool> Choice<'_, F> {
    fn one(&mut self, is_seen: bool) -> Option<Cast> {
        let taker = self.any(is_seen, None)?;
        Some(Cast { ringing: vec![taker], taker, target: None })
    }

    /// Any member but one.
    fn any(&mut self, is_seen: bool, but: Option<u16>) -> Option<u16> {
        let count = self.staff.members.len();
        let start = self.deal.place(count);
        let mut all = (0..count).map(|at| ((start + at) % count) as u16);
        all.find(|member| Some(*member) != but && self.is_seen(*member) == is_seen && (self.is_free)(*member))
    }

    /// The free members of a group; two of them at least have an integration.
    fn group(&mut self, is_seen: bool, most: usize) -> Option<Cast> {
        let groups = &self.staff.groups;
        let start = self.deal.place(groups.len());
        for at in 0..groups.len() {
            let group = &groups[(start + at) % groups.len()];
            let mut ringing: Vec<_> =
                group.iter().copied().filter(|member| (self.is_free)(*member)).collect();
            self.deal.shuffle(&mut ringing);
            let Some(taker) = ringing.iter().position(|member| self.is_seen(*member) == is_seen) else {
                continue;
            };
            if ringing.iter().filter(|member| self.is_seen(**member)).count() < 2 {
                continue;
            }
            // The last who is hunted is the one who takes it.
            let taker = ringing.remove(taker);
            ringing.truncate(most.saturating_sub(1));
            ringing.push(taker);
            if ringing.iter().any(|member| *member != taker && self.is_seen(*member)) {
                return Some(Cast { ringing, taker, target: None });
            }
        }
        None
    }

    fn with_target(&mut self, cast: Cast, after: After) -> Option<Cast> {
        let (After::Blind(reception) | After::Attended(reception)) = after else { return Some(cast) };
        let target = self.any(reception.is_seen(), Some(cast.taker))?;
        Some(Cast { target: Some(target), ..cast })
    }

    fn is_seen(&self, member: u16) -> bool {
        self.staff.member(member).is_integrated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cast(sort: Sort, is_free: impl Fn(u16) -> bool) -> Option<Cast> {
        let mut deal = Deal::of(3);
        let staff = Staff::of(12, &mut deal);
        Cast::of(sort, &staff, &mut deal, is_free)
    }

    #[test]
    fn only_those_who_are_free_take_part() {
        let group = Sort::Inbound(Ringing::Group, Fate::Missed);
        let cast_of_free = cast(group, |member| member % 2 == 0).unwrap();
        assert!(cast_of_free.ringing.iter().all(|member| member % 2 == 0), "{cast_of_free:?}");
        assert_eq!(cast_of_free.ringing.last(), Some(&cast_of_free.taker));
        assert_eq!(cast(group, |_| false), None);
        assert_eq!(cast(Sort::Twins, |member| member == 4), None);
        assert_eq!(cast(Sort::Leaves, |_| false), Some(Cast::default()));
    }
}
