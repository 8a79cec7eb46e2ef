//! What is the same value, however it is written.

use super::super::{FaultKind, Providers, Trigger, Type};
use crate::parameters::Value;

#[test]
fn every_text_that_is_taken_for_true_asks_for_the_danger() {
    let providers = Providers::embedded().unwrap();
    let mut asked = Vec::new();
    for action in providers.versions().flat_map(|version| version.actions()) {
        for danger in &action.dangerous {
            let Trigger::Parameter { path, value: Type::Boolean, .. } = &danger.trigger else { continue };
            for text in ["true", "True", "TRUE", "1", "+1", "01", "yes", "on", "t", " true"] {
                let call = path.build(Value::Text(text.to_owned()));
                let wrong = |fault: &FaultKind| matches!(fault, FaultKind::WrongType { .. });
                let is_taken = !action.check_parameters(&call).is_err_and(|fault| wrong(&fault.kind));
                let dangers: Vec<_> = action.dangers(&call).into_iter().map(|(danger, _)| &danger.name).collect();
                if is_taken {
                    assert_eq!(dangers, [&danger.name], "{} {path} {text:?}", action.name);
                    asked.push((action.name.as_str(), text));
                }
            }
            assert!(action.dangers(&path.build(Value::Bool(true))).iter().any(|(one, _)| one.name == danger.name));
            for harmless in [Value::Bool(false), Value::Text("0".to_owned()), Value::Text("False".to_owned())] {
                assert!(action.dangers(&path.build(harmless)).is_empty(), "{} {path}", action.name);
            }
        }
    }
    asked.sort_unstable();
    let actions = ["ReverseTwoWayDirection", "SkipPreCheck", "StopCompare", "StopSyncCompare", "UntagResources"];
    let expected: Vec<_> = actions.into_iter().flat_map(|name| [(name, "1"), (name, "True"), (name, "true")]).collect();
    assert_eq!(asked, expected);
}

#[test]
fn a_value_has_one_spelling() {
    for (of, written, canonical) in [
        (Type::Boolean, "True", "true"),
        (Type::Boolean, "0", "false"),
        (Type::Boolean, "yes", "yes"),
        (Type::Integer, "+007", "7"),
        (Type::Integer, "-000", "0"),
        (Type::Integer, "-010", "-10"),
        (Type::Integer, "00123456789012345678901234567890", "123456789012345678901234567890"),
        (Type::Integer, "0x10", "0x10"),
        (Type::Integer, "-", "-"),
        (Type::Float, "+1.50", "1.5"),
        (Type::Float, "15e-1", "1.5"),
        (Type::Float, "-0", "0"),
        (Type::Float, "much", "much"),
        (Type::String, "01", "01"),
        (Type::String, "True", "True"),
    ] {
        assert_eq!(of.canonical(written), canonical, "{of} {written}");
    }
}
