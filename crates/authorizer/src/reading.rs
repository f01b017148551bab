//! What is read from the host, and how often: each property once for a
//! request, and what the node has once for all.

use std::cell::RefCell;

use doorward_request::{Facts, HostProperty, Lifetime, ReadError};

/// Properties that were read, by their paths. Paths come from the bundle alone,
/// so there are few.
type Known = RefCell<Vec<(Vec<String>, Option<Vec<u8>>)>>;

/// What the node has, such as its id, as far as requests have asked for it. A
/// node's facts do not change while the proxy runs.
#[derive(Debug, Default)]
pub(crate) struct NodeFacts(Known);

/// The host's side of one request, each property of which is read once.
///
/// What the connection has is read for each request: an HTTP/3 connection's
/// `connection.id` is a hash of what clients have a say in, so nothing tells
/// two connections apart for sure.
pub(crate) struct ReadOnce<'a> {
    host: &'a dyn Facts,
    node: &'a NodeFacts,
    request: Known,
}

impl<'a> ReadOnce<'a> {
    pub(crate) fn new(host: &'a dyn Facts, node: &'a NodeFacts) -> Self {
        Self {
            host,
            node,
            request: RefCell::default(),
        }
    }
}

impl Facts for ReadOnce<'_> {
    fn property(&self, path: &[&str]) -> Result<Option<Vec<u8>>, ReadError> {
        let is_of_node = HostProperty::lifetime(path) == Lifetime::Node;
        let known = if is_of_node {
            &self.node.0
        } else {
            &self.request
        };
        if let Some(value) = find(known, path) {
            return Ok(value);
        }
        let value = self.host.property(path)?;
        // A fact of the node that is not there may come yet.
        if !is_of_node || value.is_some() {
            keep(known, path, value.as_ref());
        }
        Ok(value)
    }
}

fn find(known: &Known, path: &[&str]) -> Option<Option<Vec<u8>>> {
    let known = known.try_borrow().ok()?;
    let mut known = known.iter();
    let (_, value) = known.find(|(name, _)| name == path)?;
    Some(value.clone())
}

fn keep(known: &Known, path: &[&str], value: Option<&Vec<u8>>) {
    if let Ok(mut known) = known.try_borrow_mut() {
        let path = path.iter().map(|name| (*name).to_owned()).collect();
        known.push((path, value.cloned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers each path with itself, but for names that say otherwise.
    #[derive(Default)]
    struct Host(RefCell<Vec<String>>);

    impl Facts for Host {
        fn property(&self, path: &[&str]) -> Result<Option<Vec<u8>>, ReadError> {
            let path = path.join(".");
            self.0.borrow_mut().push(path.clone());
            match path.as_str() {
                _ if path.ends_with("absent") => Ok(None),
                _ if path.ends_with("broken") => Err(ReadError),
                _ => Ok(Some(path.into_bytes())),
            }
        }
    }

    #[test]
    fn each_lifetime_is_read_once_and_only_values_of_the_node_are_kept() {
        let (host, node) = (Host::default(), NodeFacts::default());
        let paths: [&[&str]; 6] = [
            &["xds", "node", "id"],
            &["xds", "node", "absent"],
            &["xds", "node", "broken"],
            &["connection", "mtls"],
            &["metadata"],
            &["source", "absent"],
        ];
        let read = |times: usize| {
            host.0.take();
            let facts = ReadOnce::new(&host, &node);
            for _ in 0..times {
                for path in paths {
                    let name = path.join(".");
                    let expected = match name.as_str() {
                        _ if name.ends_with("absent") => Ok(None),
                        _ if name.ends_with("broken") => Err(ReadError),
                        _ => Ok(Some(name.into_bytes())),
                    };
                    assert_eq!(facts.property(path), expected);
                }
            }
            let mut asked = host.0.take();
            asked.sort();
            asked
        };
        let of_request = ["connection.mtls", "metadata", "source.absent"];
        let again = ["xds.node.absent", "xds.node.broken"];
        let mut first = [&of_request[..], &again, &["xds.node.id"]].concat();
        first.sort_unstable();
        assert_eq!(read(1), first);
        let mut second = [&of_request[..], &again, &again].concat();
        second.sort_unstable();
        assert_eq!(read(2), second);
    }
}
