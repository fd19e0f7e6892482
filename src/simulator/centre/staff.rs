//! Who works in the centre: extensions with names, in groups of about six. Some members have no integration,
//! so nothing of them is ever sent; the clock of some is off.

use super::deal::Deal;

/// The fewest that can play everything: a group with two who are told of, one who is not, and more.
pub(crate) const FEWEST: u16 = 6;
/// The most that a centre has.
pub(crate) const MOST: u16 = 5000;
/// How many are in a group, about.
const GROUP: usize = 6;
/// The greatest error of a clock, in microseconds.
const MOST_SKEW: u64 = 400_000;

const FIRST_NAMES: [&str; 24] = [
    "Sofie",
    "Jan",
    "Fatima",
    "Lucas",
    "Emma",
    "Noah",
    "Louise",
    "Arthur",
    "Mila",
    "Adam",
    "Julie",
    "Pieter",
    "Yasmina",
    "Thomas",
    "Elise",
    "Karim",
    "Charlotte",
    "Bram",
    "Amira",
    "Simon",
    "Nora",
    "Wout",
    "Chloé",
    "Victor",
];
const SURNAMES: [&str; 25] = [
    "Peeters",
    "Janssens",
    "Maes",
    "Jacobs",
    "Mertens",
    "Willems",
    "Claes",
    "Goossens",
    "Wouters",
    "De Smet",
    "Dubois",
    "Lambert",
    "Dupont",
    "Martin",
    "Simon",
    "Laurent",
    "Leroy",
    "Renard",
    "El Amrani",
    "Yilmaz",
    "Hermans",
    "Aerts",
    "Michiels",
    "Van Damme",
    "Lemmens",
];

/// A person with a phone.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) extension: String,
    pub(super) name: String,
    /// Whether events of this phone are sent.
    pub(super) is_integrated: bool,
    /// How far its clock is ahead, in microseconds.
    pub(super) skew: i64,
}

/// The members, and who of them ring together.
#[derive(Clone, Debug)]
pub(super) struct Staff {
    pub(super) members: Vec<Member>,
    pub(super) groups: Vec<Vec<u16>>,
}

impl Staff {
    pub(super) fn of(extensions: u16, deal: &mut Deal) -> Self {
        // Enough digits for all, and few enough to be numbers within a tenant.
        let first = if extensions <= 700 { 200 } else { 2000 };
        let member = |at: u16| Member {
            extension: (first + at).to_string(),
            name: name(usize::from(at)),
            is_integrated: true,
            skew: 0,
        };
        let mut members: Vec<_> = (0..extensions).map(member).collect();
        let count = (members.len() / GROUP).max(1);
        let mut groups = vec![Vec::new(); count];
        for at in 0..extensions {
            groups[usize::from(at) * count / members.len()].push(at);
        }
        for (number, group) in groups.iter().enumerate() {
            let mut drawn = group.clone();
            deal.shuffle(&mut drawn);
            // Every second group has a member without integration, the others one whose clock is off.
            if number % 2 == 0 {
                members[usize::from(drawn[0])].is_integrated = false;
            }
            if number % 2 == 1 || count == 1 {
                members[usize::from(drawn[1])].skew = skew(deal);
            }
        }
        Self { members, groups }
    }

    pub(super) fn member(&self, member: u16) -> &Member {
        &self.members[usize::from(member)]
    }
}

fn skew(deal: &mut Deal) -> i64 {
    let by = deal.micros(15_000, MOST_SKEW).cast_signed();
    if deal.one_in(2) { by } else { -by }
}

/// The name of whoever has that number in a list; they come again after 600.
pub(super) fn name(at: usize) -> String {
    // One list is longer by one: only after all pairs do they meet again.
    format!("{} {}", FIRST_NAMES[at % FIRST_NAMES.len()], SURNAMES[at % SURNAMES.len()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn groups_are_of_about_six_and_some_members_are_odd() {
        for extensions in [6, 11, 37, 500, 5000] {
            let staff = Staff::of(extensions, &mut Deal::of(1));
            let (members, groups) = (&staff.members, &staff.groups);
            assert_eq!(groups.iter().map(Vec::len).sum::<usize>(), members.len());
            assert!(groups.iter().all(|group| (6..=11).contains(&group.len())), "{groups:?}");
            let silent = members.iter().filter(|member| !member.is_integrated).count();
            assert_eq!(silent, groups.len().div_ceil(2));
            assert!(members.iter().any(|member| member.skew != 0));
            assert!(members.iter().all(|member| member.is_integrated || member.skew == 0));
            let extensions: BTreeSet<_> = members.iter().map(|member| &member.extension).collect();
            assert_eq!(extensions.len(), members.len());
        }
    }

    #[test]
    fn names_come_again_only_after_600() {
        let names: BTreeSet<_> = (0..600).map(name).collect();
        assert_eq!(names.len(), 600);
    }
}
