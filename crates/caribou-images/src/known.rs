//! What was stored a short while ago: conversations send the same images again with every turn.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// After so many the older half is forgotten; forgetting costs a look into the object store.
const MAX_GENERATION: usize = 16_384;

type Generation = HashSet<(String, [u8; 32])>;

/// Images that are known to be stored, by project and hash; of bounded size, as only the latest are remembered.
#[derive(Debug, Default)]
pub struct KnownImages(Mutex<[Generation; 2]>);

impl KnownImages {
    /// True where a project has stored an image, as far as is remembered.
    pub fn contains(&self, project: &str, hash: [u8; 32]) -> bool {
        let key = (project.to_owned(), hash);
        let generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        generations
            .iter()
            .any(|generation| generation.contains(&key))
    }

    /// Remembers an image.
    pub fn insert(&self, project: String, hash: [u8; 32]) {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if generations[0].len() >= MAX_GENERATION {
            generations.swap(0, 1);
            generations[0].clear();
        }
        generations[0].insert((project, hash));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(number: usize) -> [u8; 32] {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&number.to_le_bytes());
        hash
    }

    #[test]
    fn the_latest_images_are_remembered_and_memory_is_bounded() {
        let known = KnownImages::default();
        for number in 0..=3 * MAX_GENERATION {
            known.insert("a".to_owned(), hash(number));
        }
        assert!(known.contains("a", hash(3 * MAX_GENERATION)));
        assert!(known.contains("a", hash(2 * MAX_GENERATION + 1)));
        assert!(!known.contains("a", hash(0)));
        assert!(!known.contains("b", hash(3 * MAX_GENERATION)));
        let held: usize = known.0.lock().unwrap().iter().map(HashSet::len).sum();
        assert!(held <= 2 * MAX_GENERATION);
    }
}
