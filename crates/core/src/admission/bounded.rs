//! Lists that keep their first entries and count the rest, so that a body cannot make a review
//! larger than the workloads that exist make it.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};

/// The entries of one list that are kept. No node runs a Pod with as many containers, and an object
/// of the largest size that the API server stores has room for few more.
pub(crate) const MOST_LISTED: usize = 1_000;
/// The groups of a user that are kept. A group beyond them grants nothing.
pub(super) const MOST_GROUPS: usize = 4_096;

/// The first `MOST` entries of a list, in a collection of the type `C`.
#[derive(Debug, Default)]
pub(super) struct Bounded<C, const MOST: usize = MOST_LISTED> {
    pub(super) listed: C,
    /// How many entries follow. They are skipped, whatever they are.
    pub(super) more: usize,
}

impl<'de, C, const MOST: usize> Deserialize<'de> for Bounded<C, MOST>
where
    C: Default + Extend<C::Item> + IntoIterator<Item: Deserialize<'de>>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<C, const MOST: usize>(PhantomData<C>);

        impl<'de, C, const MOST: usize> Visitor<'de> for Entries<C, MOST>
        where
            C: Default + Extend<C::Item> + IntoIterator<Item: Deserialize<'de>>,
        {
            type Value = Bounded<C, MOST>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sequence")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut listed = C::default();
                for _ in 0..MOST {
                    let Some(entry) = seq.next_element()? else {
                        return Ok(Bounded { listed, more: 0 });
                    };
                    listed.extend(Some(entry));
                }
                Ok(Bounded { listed, more: skip(&mut seq)? })
            }
        }

        deserializer.deserialize_seq(Entries(PhantomData))
    }
}

/// Skips the rest of a list; returns how many entries that were.
pub(super) fn skip<'de, A: SeqAccess<'de>>(seq: &mut A) -> Result<usize, A::Error> {
    let mut count = 0;
    while seq.next_element::<IgnoredAny>()?.is_some() {
        count += 1;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::Bounded;

    #[test]
    fn the_first_entries_are_kept_and_the_others_counted() {
        for (text, listed, more) in [
            ("[]", &[][..], 0),
            (r#"["a"]"#, &["a"], 0),
            (r#"["a","b"]"#, &["a", "b"], 0),
            (r#"["a","b","c"]"#, &["a", "b"], 1),
            // What is not kept may be of any type.
            (r#"["a","b",{"c":[1]},null]"#, &["a", "b"], 2),
        ] {
            let bounded: Bounded<Vec<&str>, 2> = serde_json::from_str(text).unwrap();
            assert_eq!((&bounded.listed[..], bounded.more), (listed, more), "{text}");
        }
        assert!(serde_json::from_str::<Bounded<Vec<&str>, 2>>(r#"["a",1]"#).is_err());
        assert!(serde_json::from_str::<Bounded<Vec<&str>, 2>>(r#"["a","b",x]"#).is_err());
        assert!(serde_json::from_str::<Bounded<Vec<&str>, 2>>("{}").is_err());
    }
}
