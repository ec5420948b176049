//! Records in a file: what `jovian registry ls --as records` writes, to be looked at elsewhere and later.
//!
//! The first line is `# ` and the kind of the store. A record is a line with `leased` or `kept` and its key, and its value in lines
//! that begin with a tab.

use jovian_runtime::registry::raw::{RawChange, RawError, RawRecord, RawRecords, RawStore};

use futures_util::future::BoxFuture;

/// The stores that records are saved of.
const KINDS: [&str; 5] = ["discovery", "etcd", "file", "nacos", "zookeeper"];

/// Records of some store.
#[derive(Debug)]
pub(super) struct Saved {
    kind: &'static str,
    records: RawRecords,
}

impl Saved {
    /// Reads what was saved; or says what is wrong with it.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let (head, rest) = text.split_once('\n').unwrap_or((text, ""));
        let kind = head.strip_prefix("# ").and_then(|kind| KINDS.into_iter().find(|known| *known == kind));
        let kind = kind.ok_or_else(|| format!("its first line is none of `# {}`", KINDS.join("`, `# ")))?;
        let mut records = RawRecords::new();
        let mut last: Option<(&str, bool, Vec<&str>)> = None;
        let mut keep = |record: Option<(&str, bool, Vec<&str>)>| {
            if let Some((key, is_leased, value)) = record {
                records.insert(key.to_owned(), RawRecord::new(value.join("\n"), is_leased));
            }
        };
        for (number, line) in rest.lines().enumerate() {
            match (line.strip_prefix('\t'), line.split_once(' '), &mut last) {
                (Some(line), _, Some((_, _, value))) => value.push(line),
                (None, Some((life @ ("leased" | "kept"), key)), _) => {
                    keep(last.replace((key, life == "leased", Vec::new())));
                }
                _ if line.is_empty() => {}
                _ => return Err(format!("line {} is neither a record nor a value", number + 2)),
            }
        }
        keep(last);
        Ok(Self { kind, records })
    }

    /// What [`read`](Self::read) takes.
    pub(super) fn text(kind: &str, records: &RawRecords) -> String {
        let mut text = format!("# {kind}");
        for (key, record) in records {
            text += &format!("\n{} {key}", if record.is_leased { "leased" } else { "kept" });
            if !record.value.is_empty() {
                record.value.split('\n').for_each(|line| text += &format!("\n\t{line}"));
            }
        }
        text
    }

    fn below(&self, prefix: &str) -> RawRecords {
        let below = self.records.iter().filter(|(key, _)| key.starts_with(prefix));
        below.map(|(key, record)| (key.clone(), record.clone())).collect()
    }
}

impl RawStore for Saved {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<RawRecords, RawError>> {
        Box::pin(async move { Ok(self.below(prefix)) })
    }

    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<RawRecord>, RawError>> {
        Box::pin(async move { Ok(self.records.get(key).cloned()) })
    }

    /// Nothing changes any more.
    fn follow<'a>(
        &'a self,
        prefix: &'a str,
        tell: &'a mut (dyn FnMut(RawChange) + Send),
    ) -> BoxFuture<'a, RawError> {
        tell(RawChange::All(self.below(prefix)));
        Box::pin(std::future::pending())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_read() {
        let mut records = RawRecords::new();
        records.insert("/a b".to_owned(), RawRecord::new("x\n\n\ty", true));
        records.insert("c".to_owned(), RawRecord::new("", false));
        let text = Saved::text("etcd", &records);
        assert_eq!(text, "# etcd\nleased /a b\n\tx\n\t\n\t\ty\nkept c");
        let saved = Saved::read(&text).unwrap();
        assert_eq!((saved.kind, saved.records), ("etcd", records));
        assert_eq!(Saved::read("# etcd\n").unwrap().records, RawRecords::new());
        for (wrong, why) in [
            ("", "its first line"),
            ("# consul", "its first line"),
            ("# etcd\n\tx", "line 2"),
            ("# etcd\nlost /a", "line 2"),
        ] {
            assert!(Saved::read(wrong).unwrap_err().contains(why), "{wrong}");
        }
    }
}
