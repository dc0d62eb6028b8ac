//! Every convention, by the spans in `tests/data/<dialect>/<case>.json` and the records they become.

use std::path::Path;

use caribou_otlp::{Defaults, decode_json, decode_protobuf};
use serde_json::Value;

use crate::{case, tree};

fn check(dialect: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(dialect);
    let mut cases: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    cases.sort();
    assert!(!cases.is_empty(), "no cases in {}", folder.display());
    for path in cases {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let case: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let (protobuf, json) = (case::protobuf(&case), case::otlp_json(&case));
        let from_protobuf = decode_protobuf(&protobuf, &Defaults::default()).unwrap();
        let from_json = decode_json(&json, &Defaults::default()).unwrap();
        assert_eq!(from_protobuf, from_json, "{dialect}/{name}");
        let text: String = from_protobuf.spans.iter().map(tree::render).collect();
        insta::with_settings!({
            snapshot_path => &folder,
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(name, text);
        });
    }
}

macro_rules! dialects {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            check(stringify!($name));
        }
    )*};
}

dialects! { genai message_events openllmetry openinference langfuse vercel other }
