//! Which candidates are taken, and what they make of the legs: conversations, and within them ring sets, that is legs
//! that rang together. The order is the rules' and the legs' own, never that of arrival.

use super::{
    SECOND,
    cluster_leg::ClusterLeg,
    rules::{Edge, Rule},
};
use crate::clock::Micros;
use hashbrown::{HashMap, HashSet};

/// Two customers who talk in parallel for longer are two.
const PARALLEL: Micros = 2 * SECOND;
/// So many candidates are sorted at once.
const FEW: usize = 512;
/// Candidates that are nearer to each other leave it open which is right.
const ALIKE: Micros = SECOND / 10;

/// Disjoint sets of legs.
pub(super) struct Partition(Vec<usize>);

/// Before a ring set rang, the caller was at that leg.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) rule: Rule,
    pub(super) from: usize,
}

/// How the legs of a cluster belong together.
pub(super) struct Joins<'a> {
    members: &'a [ClusterLeg<'a>],
    conversations: Partition,
    pub(super) rings: Partition,
    /// The legs of each conversation on which somebody outside talks, at its root.
    talkers: Vec<Vec<usize>>,
    /// The other side of each leg of a pair.
    pub(super) paired: Vec<Option<usize>>,
    /// The transferor's leg of each receiver's.
    pub(super) from: Vec<Option<usize>>,
    attended: HashSet<(usize, usize)>,
    /// Legs whose caller was handed over in person.
    handed_over: Vec<bool>,
    /// Whether somebody answered in the ring set, by its root; known once all ring groups are.
    answered: Option<Vec<bool>>,
    /// Of each ring set, at its root.
    pub(super) entries: HashMap<usize, Entry>,
    pub(super) taken: Vec<Edge>,
}

impl Partition {
    fn new(len: usize) -> Self {
        Self((0..len).collect())
    }

    pub(super) fn root(&self, mut of: usize) -> usize {
        while self.0[of] != of {
            of = self.0[of];
        }
        of
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        // The earliest is the root, so that the paths are short and the roots sorted.
        let (first, last) = (one.min(other), one.max(other));
        self.0[last] = first;
    }

    /// The sets, each sorted, in the order of their first.
    pub(super) fn sets(&self) -> Vec<Vec<usize>> {
        let mut sets = vec![Vec::new(); self.0.len()];
        for of in 0..self.0.len() {
            sets[self.root(of)].push(of);
        }
        sets.retain(|set| !set.is_empty());
        sets
    }
}

impl<'a> Joins<'a> {
    /// Takes what can be taken of the candidates.
    pub(super) fn of(members: &'a [ClusterLeg<'a>], edges: &[Edge]) -> Self {
        let len = members.len();
        let talkers = members.iter().enumerate();
        let talkers = talkers.map(|(at, it)| if it.talk.is_some() { vec![at] } else { Vec::new() }).collect();
        let mut joins = Self {
            members,
            conversations: Partition::new(len),
            rings: Partition::new(len),
            talkers,
            paired: vec![None; len],
            from: vec![None; len],
            attended: HashSet::new(),
            handed_over: vec![false; len],
            answered: None,
            entries: HashMap::new(),
            taken: Vec::new(),
        };
        joins.take_in_order(edges.to_vec());
        joins
    }

    /// Takes candidates by their order. Of a crowd most are settled by the nearest of them, so that only those need to
    /// be sorted.
    fn take_in_order(&mut self, mut edges: Vec<Edge>) {
        if edges.len() > FEW {
            let nearest = edges.len() / 4;
            edges.select_nth_unstable_by_key(nearest, Edge::order);
            let mut others = edges.split_off(nearest);
            self.take_in_order(edges);
            // Before all transfers are taken, two who talk in parallel may still be one.
            if others.iter().all(|edge| edge.rule >= Rule::RingGroup) {
                let mut two = HashMap::new();
                others.retain(|edge| !self.is_settled(edge, &mut two));
            }
            return self.take_in_order(others);
        }
        edges.sort_unstable_by_key(Edge::order);
        for edge in edges {
            let is_taken = match edge.rule {
                Rule::Pair => self.take_pair(&edge),
                Rule::Attended => self.take_attended(&edge),
                Rule::RingGroup => self.take_ring_group(&edge),
                Rule::Hop | Rule::Blind => self.take_next(&edge),
            };
            if is_taken {
                self.taken.push(edge);
            }
        }
    }

    /// Whether a candidate can change nothing any more: they ring together already, or are two for good, since what a
    /// conversation has it keeps.
    fn is_settled(&self, edge: &Edge, two: &mut HashMap<(usize, usize), bool>) -> bool {
        if edge.rule != Rule::RingGroup {
            return false;
        }
        let (a, b) = (self.root(edge.a()), self.root(edge.b()));
        if a == b {
            return self.rings.root(edge.a()) == self.rings.root(edge.b());
        }
        *two.entry((a, b)).or_insert_with(|| self.are_two(a, b))
    }

    /// The legs of each conversation.
    pub(super) fn conversations(&self) -> Vec<Vec<usize>> {
        self.conversations.sets()
    }

    /// The first leg of its conversation.
    pub(super) fn root(&self, leg: usize) -> usize {
        self.conversations.root(leg)
    }

    /// One to one.
    fn take_pair(&mut self, edge: &Edge) -> bool {
        let is_free = self.paired[edge.a()].is_none() && self.paired[edge.b()].is_none();
        let is_taken = is_free && self.unite(edge.a(), edge.b());
        if is_taken {
            self.paired[edge.a()] = Some(edge.b());
            self.paired[edge.b()] = Some(edge.a());
        }
        is_taken
    }

    /// A receiver has one transferor.
    fn take_attended(&mut self, edge: &Edge) -> bool {
        if self.from[edge.b()].is_some() {
            return false;
        }
        self.attended.insert((edge.a(), edge.b()));
        let is_taken = self.unite(edge.a(), edge.b());
        if is_taken {
            self.from[edge.b()] = Some(edge.a());
            let transfer = self.members[edge.b()].fact.transfer.as_ref();
            self.handed_over[edge.a()] |= transfer.is_some_and(|transfer| transfer.completed_at.is_some());
        } else {
            self.attended.remove(&(edge.a(), edge.b()));
        }
        is_taken
    }

    fn take_ring_group(&mut self, edge: &Edge) -> bool {
        if self.rings.root(edge.a()) == self.rings.root(edge.b()) || !self.unite(edge.a(), edge.b()) {
            return false;
        }
        self.rings.join(edge.a(), edge.b());
        true
    }

    /// A ring set has one that was before it. Whoever was handed over in person did not go on by themselves, and where
    /// a colleague answered, the others' end is none of the caller's.
    fn take_next(&mut self, edge: &Edge) -> bool {
        let (before, next) = (self.rings.root(edge.a()), self.rings.root(edge.b()));
        if before == next || self.entries.contains_key(&next) {
            return false;
        }
        let is_over = match edge.rule {
            Rule::Hop => !self.is_answered(before),
            _ => !self.handed_over[edge.a()],
        };
        if !is_over || !self.unite(edge.a(), edge.b()) {
            return false;
        }
        self.entries.insert(next, Entry { rule: edge.rule, from: edge.a() });
        true
    }

    fn is_answered(&mut self, ring_set: usize) -> bool {
        let Self { answered, members, rings, .. } = self;
        let answered = answered.get_or_insert_with(|| {
            let mut answered = vec![false; members.len()];
            for (leg, member) in members.iter().enumerate() {
                answered[rings.root(leg)] |= member.fact.is_answered();
            }
            answered
        });
        answered[ring_set]
    }

    /// Makes one conversation of two, unless somebody outside talks in each of them at the same time.
    fn unite(&mut self, one: usize, other: usize) -> bool {
        let (one, other) = (self.root(one), self.root(other));
        if one == other {
            return true;
        }
        if self.are_two(one, other) {
            return false;
        }
        self.conversations.join(one, other);
        let talkers = std::mem::take(&mut self.talkers[one.max(other)]);
        self.talkers[one.min(other)].extend(talkers);
        true
    }

    fn are_two(&self, one: usize, other: usize) -> bool {
        let talks_beside = |a: &usize| self.talkers[other].iter().any(|b| self.is_parallel(*a, *b));
        self.talkers[one].iter().any(talks_beside)
    }

    fn is_parallel(&self, a: usize, b: usize) -> bool {
        let (Some(one), Some(other)) = (self.members[a].talk, self.members[b].talk) else { return false };
        let both = one.1.min(other.1).saturating_sub(one.0.max(other.0));
        let is_handed_over = || self.attended.contains(&(a, b)) || self.attended.contains(&(b, a));
        both > PARALLEL && (self.attended.is_empty() || !is_handed_over())
    }

    /// Legs of which it is open where they belong, each with the first leg of the other conversation: a candidate of the same
    /// rule was as near as the one that was taken, and leads elsewhere.
    pub(super) fn doubts(&self, edges: &[Edge]) -> Vec<(usize, usize)> {
        let mut taken: Vec<Vec<(Rule, Micros)>> = vec![Vec::new(); self.members.len()];
        for edge in &self.taken {
            taken[edge.a()].push((edge.rule, edge.near));
            taken[edge.b()].push((edge.rule, edge.near));
        }
        let roots: Vec<usize> = (0..self.members.len()).map(|leg| self.root(leg)).collect();
        let is_as_near = |leg: usize, edge: &Edge| {
            taken[leg].iter().any(|(rule, near)| *rule == edge.rule && near.abs_diff(edge.near) <= ALIKE)
        };
        let mut doubts = Vec::new();
        for edge in edges.iter().filter(|edge| roots[edge.a()] != roots[edge.b()]) {
            for (leg, other) in [(edge.a(), edge.b()), (edge.b(), edge.a())] {
                // Of two who talk in parallel neither is in doubt about the other.
                if is_as_near(leg, edge) && !self.is_parallel(leg, other) {
                    doubts.push((leg, roots[other]));
                }
            }
        }
        doubts.sort_unstable();
        doubts.dedup();
        doubts
    }
}
