//! A model, a policy and settings from files, made into an engine.

use std::path::{Path, PathBuf};

use doorward_bundle::CasbinSettings;
use doorward_engine::{CompileError, Engine, Model, Policy};

use crate::lines::Failure;
use crate::settings;

/// The files of an engine.
#[derive(clap::Args)]
pub(crate) struct Files {
    /// The model, in Casbin's format.
    #[arg(short, long)]
    model: PathBuf,
    /// The policy, in Casbin's CSV. Without it there are no rules.
    #[arg(short, long)]
    policy: Option<PathBuf>,
    /// What Casbin sets in code, in YAML: role_matching, link_condition,
    /// field_index, max_hierarchy_level, accept_json_request.
    #[arg(long, value_name = "FILE.yaml")]
    settings: Option<PathBuf>,
}

/// What the files hold.
pub(crate) struct Loaded {
    pub(crate) engine: Engine,
    pub(crate) accept_json_request: bool,
}

impl Files {
    /// The policy's file, for errors.
    pub(crate) fn policy(&self) -> Option<&Path> {
        self.policy.as_deref()
    }

    /// Reads the files and puts them together.
    ///
    /// # Errors
    ///
    /// The first that does not load, and why.
    pub(crate) fn load(&self) -> Result<Loaded, Failure> {
        let model_path = self.model.as_path();
        let policy_path = self.policy.as_deref();
        let settings_path = self.settings.as_deref();
        let model = Model::parse(&text(model_path, "model")?)
            .map_err(|error| failure(Some(model_path), "model", &error.to_string()))?;
        let file = match settings_path {
            Some(path) => settings::parse(&text(path, "settings")?)
                .map_err(|error| failure(Some(path), "settings", &error))?,
            None => CasbinSettings::default(),
        };
        let policy = match policy_path {
            Some(path) => Policy::parse_csv(&text(path, "policy")?)
                .map_err(|error| failure(Some(path), "policy", &error.to_string()))?,
            None => Policy::default(),
        };
        let settings = file
            .settings()
            .map_err(|error| failure(settings_path, "settings", &error.to_string()))?;
        let engine = Engine::compile(&model, &policy, &settings)
            .map_err(|error| self.does_not_compile(error))?;
        Ok(Loaded {
            engine,
            accept_json_request: file.accept_json_request,
        })
    }

    fn does_not_compile(&self, error: CompileError) -> Failure {
        let settings_path = self.settings.as_deref();
        let (path, stage) = match (&error, settings_path) {
            (CompileError::Settings { .. }, Some(path)) => (Some(path), "settings"),
            // The model wants a setting, and no file says any.
            (CompileError::Settings { .. }, None) | (CompileError::Model(_), _) => {
                (Some(self.model.as_path()), "model")
            }
            (CompileError::Row { .. } | CompileError::Policy { .. }, _) => {
                (self.policy(), "policy")
            }
        };
        let text = match (error, settings_path) {
            (CompileError::Settings { field, message }, Some(_)) => {
                format!("{field}: {message}")
            }
            (error, _) => error.to_string(),
        };
        failure(path, stage, &text)
    }
}

fn text(path: &Path, stage: &'static str) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| failure(Some(path), stage, &error.to_string()))
}

fn failure(path: Option<&Path>, stage: &'static str, error: &str) -> Failure {
    let error = match path {
        Some(path) => format!("{}: {error}", path.display()),
        None => error.to_owned(),
    };
    Failure {
        error,
        stage: Some(stage),
    }
}
