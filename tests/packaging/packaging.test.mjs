// All parts in one process, so that the package is packed and the browser started only once.
import "./promises/bundles.mjs";
import "./promises/copies.mjs";
import "./promises/files.mjs";
import "./promises/guides.mjs";
import "./promises/policies.mjs";
import "./promises/servers.mjs";
import "./promises/types.mjs";
import "./promises/wasm.mjs";
