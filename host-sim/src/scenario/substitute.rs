//! Puts the caller's values in the place of `${name}` in a scenario's texts.

use std::collections::BTreeMap;

use serde_json::Value;

use super::expect::{Expect, ExpectPush, ExpectUpstream, ExpectUpstreamRequest};
use super::value::{Bytes, Configuration, Matcher};
use super::{ChangedCluster, ClusterAnswer, Concurrent, Push, Request, Scenario, Step};

/// Values by name. `${name}` in any text of a scenario (mapping keys excepted) stands for the
/// value of `name`, `$${` for `${` itself. A value is not searched for variables again.
pub type Variables = BTreeMap<String, String>;

/// Why a text could not be completed: what is wrong, and the part of the text that is at fault.
#[derive(Debug)]
pub(super) struct Unresolved {
    pub(super) message: String,
    pub(super) part: String,
}

type Outcome = Result<(), Unresolved>;

/// A value with texts in it.
pub(super) trait Substitute {
    /// Replaces the variables in every text.
    fn substitute(&mut self, variables: &Variables) -> Outcome;
}

impl Substitute for String {
    fn substitute(&mut self, variables: &Variables) -> Outcome {
        if self.contains("${") {
            *self = expand(self, variables)?;
        }
        Ok(())
    }
}

fn expand(text: &str, variables: &Variables) -> Result<String, Unresolved> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            expanded.push_str(before);
            expanded.push_str("${");
            rest = after;
            continue;
        }
        expanded.push_str(before);
        let name = after.split_once('}').map(|(name, _)| name).filter(|name| {
            !name.is_empty()
                && name
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
        });
        let Some(name) = name else {
            return Err(Unresolved {
                message: "`${` does not begin a variable such as `${name}`; write `$${` for the \
                          text itself"
                    .to_owned(),
                part: "${".to_owned(),
            });
        };
        let Some(value) = variables.get(name) else {
            return Err(Unresolved {
                message: format!("no value was given for the variable `{name}`"),
                part: format!("${{{name}}}"),
            });
        };
        expanded.push_str(value);
        rest = after.get(name.len() + 1..).unwrap_or_default();
    }
    expanded.push_str(rest);
    Ok(expanded)
}

impl<T: Substitute> Substitute for Option<T> {
    fn substitute(&mut self, variables: &Variables) -> Outcome {
        self.iter_mut()
            .try_for_each(|item| item.substitute(variables))
    }
}

impl<T: Substitute> Substitute for Vec<T> {
    fn substitute(&mut self, variables: &Variables) -> Outcome {
        self.iter_mut()
            .try_for_each(|item| item.substitute(variables))
    }
}

impl<T: Substitute> Substitute for Box<T> {
    fn substitute(&mut self, variables: &Variables) -> Outcome {
        (**self).substitute(variables)
    }
}

impl<T: Substitute> Substitute for BTreeMap<String, T> {
    fn substitute(&mut self, variables: &Variables) -> Outcome {
        self.values_mut()
            .try_for_each(|value| value.substitute(variables))
    }
}

impl<T: Substitute> Substitute for (String, T) {
    fn substitute(&mut self, variables: &Variables) -> Outcome {
        self.0.substitute(variables)?;
        self.1.substitute(variables)
    }
}

impl Substitute for Value {
    fn substitute(&mut self, variables: &Variables) -> Outcome {
        match self {
            Self::Null | Self::Bool(_) | Self::Number(_) => Ok(()),
            Self::String(text) => text.substitute(variables),
            Self::Array(items) => items.substitute(variables),
            Self::Object(map) => map
                .values_mut()
                .try_for_each(|value| value.substitute(variables)),
        }
    }
}

impl Substitute for Bytes {
    fn substitute(&mut self, variables: &Variables) -> Outcome {
        match self {
            Self::Text(text) => text.substitute(variables),
            Self::Raw(_) => Ok(()),
        }
    }
}

impl Substitute for Matcher {
    fn substitute(&mut self, variables: &Variables) -> Outcome {
        match self {
            Self::Exact(text) | Self::Contains(text) => text.substitute(variables),
        }
    }
}

impl Substitute for Configuration {
    fn substitute(&mut self, variables: &Variables) -> Outcome {
        match self {
            Self::Text(text) => text.substitute(variables),
            Self::Mapping(map) => map
                .values_mut()
                .try_for_each(|value| value.substitute(variables)),
            Self::File(path) => {
                let mut text = path.to_string_lossy().into_owned();
                text.substitute(variables)?;
                *path = text.into();
                Ok(())
            }
        }
    }
}

// The patterns below name every field, so that a new one cannot be forgotten here.

impl Substitute for Scenario {
    fn substitute(&mut self, variables: &Variables) -> Outcome {
        let Self {
            name,
            environment,
            vm_configuration,
            configuration,
            expect_configuration,
            runs_on: _,
            why,
            properties,
            clusters,
            without_foreign_functions,
            clock: _,
            steps,
        } = self;
        name.substitute(variables)?;
        environment.substitute(variables)?;
        vm_configuration.substitute(variables)?;
        configuration.substitute(variables)?;
        expect_configuration.substitute(variables)?;
        why.substitute(variables)?;
        properties.substitute(variables)?;
        clusters.substitute(variables)?;
        without_foreign_functions.substitute(variables)?;
        steps.substitute(variables)
    }
}

impl Substitute for ClusterAnswer {
    fn substitute(&mut self, variables: &Variables) -> Outcome {
        let Self {
            path,
            status: _,
            headers,
            body,
            delay: _,
            reset: _,
        } = self;
        path.substitute(variables)?;
        headers.substitute(variables)?;
        body.substitute(variables)
    }
}

impl Substitute for ChangedCluster {
    fn substitute(&mut self, variables: &Variables) -> Outcome {
        let Self { name, answers } = self;
        name.substitute(variables)?;
        answers.substitute(variables)
    }
}

impl Substitute for Concurrent {
    fn substitute(&mut self, variables: &Variables) -> Outcome {
        let Self {
            request,
            expect,
            disconnects_after: _,
        } = self;
        request.substitute(variables)?;
        expect.substitute(variables)
    }
}

impl Substitute for Step {
    fn substitute(&mut self, variables: &Variables) -> Outcome {
        match self {
            Self::Request { request, expect } => {
                request.substitute(variables)?;
                expect.substitute(variables)
            }
            Self::Push {
                push: Push { configuration },
                expect,
            } => {
                configuration.substitute(variables)?;
                expect.substitute(variables)
            }
            Self::Together(requests) => requests.substitute(variables),
            Self::Cluster(cluster) => cluster.substitute(variables),
            Self::Advance(_) | Self::Calls(_) => Ok(()),
        }
    }
}

impl Substitute for Request {
    fn substitute(&mut self, variables: &Variables) -> Outcome {
        let Self {
            name,
            method,
            path,
            authority,
            scheme,
            headers,
            body,
            trailers,
            times: _,
        } = self;
        for text in [name, method, path, authority, scheme] {
            text.substitute(variables)?;
        }
        headers.substitute(variables)?;
        body.substitute(variables)?;
        trailers.substitute(variables)
    }
}

impl Substitute for Expect {
    fn substitute(&mut self, variables: &Variables) -> Outcome {
        let Self {
            decision: _,
            reason,
            rule,
            revision,
            status: _,
            headers,
            absent_headers,
            body,
            upstream,
            details,
            log,
            metrics: _,
            data_calls: _,
            trapped: _,
        } = self;
        reason.substitute(variables)?;
        rule.substitute(variables)?;
        revision.substitute(variables)?;
        headers.substitute(variables)?;
        absent_headers.substitute(variables)?;
        body.substitute(variables)?;
        upstream.substitute(variables)?;
        details.substitute(variables)?;
        log.substitute(variables)
    }
}

impl Substitute for ExpectUpstream {
    fn substitute(&mut self, variables: &Variables) -> Outcome {
        match self {
            Self::None => Ok(()),
            Self::Request(request) => request.substitute(variables),
        }
    }
}

impl Substitute for ExpectUpstreamRequest {
    fn substitute(&mut self, variables: &Variables) -> Outcome {
        let Self {
            path,
            authority,
            method,
            headers,
            absent_headers,
            body,
            trailers,
            absent_trailers,
        } = self;
        path.substitute(variables)?;
        authority.substitute(variables)?;
        method.substitute(variables)?;
        headers.substitute(variables)?;
        absent_headers.substitute(variables)?;
        body.substitute(variables)?;
        trailers.substitute(variables)?;
        absent_trailers.substitute(variables)
    }
}

impl Substitute for ExpectPush {
    fn substitute(&mut self, variables: &Variables) -> Outcome {
        match self {
            Self::Accepted => Ok(()),
            Self::Refused(parts) => parts.substitute(variables),
        }
    }
}
