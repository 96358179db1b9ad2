//! A floor at work in an implementation of CEL that others wrote: what the API server would say.

use std::collections::HashMap;

use cel::{Context, Program, Value};
use imagegate_core::policy::{Floor, Rule};

/// The expressions of a floor, compiled.
pub(crate) struct Evaluation {
    variables: Vec<(String, Program)>,
    validations: Vec<(Rule, Program, Program)>,
    root: Context<'static, 'static>,
}

impl Evaluation {
    pub(crate) fn new(floor: &Floor) -> Self {
        let compiled =
            |text: &str| Program::compile(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let variables = floor.variables.iter();
        let variables = variables.map(|each| (each.name.clone(), compiled(&each.expression)));
        let validations = floor.validations.iter().map(|each| {
            (each.rule, compiled(&each.expression), compiled(&each.message_expression))
        });
        let (variables, validations) = (variables.collect(), validations.collect());
        let root = Context::default();
        Self { variables, validations, root }
    }

    /// The rule and the text of the first validation that a request does not pass.
    ///
    /// An expression that errs is a defect: the API server would admit everything by it.
    pub(crate) fn refusal(&self, request: &serde_json::Value) -> Option<(Rule, String)> {
        let mut context = self.root.new_inner_scope();
        context.add_variable("request", request).unwrap();
        let null = serde_json::Value::Null;
        for (name, field) in [("object", "object"), ("oldObject", "oldObject")] {
            context.add_variable(name, request.get(field).unwrap_or(&null)).unwrap();
        }
        let mut known: HashMap<String, Value> = HashMap::new();
        context.add_variable_from_value("variables", known.clone());
        for (name, program) in &self.variables {
            let value = program.execute(&context);
            let value = value.unwrap_or_else(|error| panic!("{name}: {error}\n{request:#}"));
            known.insert(name.clone(), value);
            context.add_variable_from_value("variables", known.clone());
        }
        for (rule, holds, message) in &self.validations {
            match holds.execute(&context) {
                Ok(Value::Bool(true)) => {}
                Ok(Value::Bool(false)) => match message.execute(&context) {
                    Ok(Value::String(message)) => return Some((*rule, message.to_string())),
                    other => panic!("{rule:?}: {other:?}\n{request:#}"),
                },
                other => panic!("{rule:?}: {other:?}\n{request:#}"),
            }
        }
        None
    }
}
