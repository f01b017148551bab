# What the module's policy says in the benchmark, as Rego is made fast: the
# rules are data, nested by what is compared for equality (scope, method and
# the path's first segment), so that none but the prefixes below one first
# segment are walked. Prefixes that end within their first segment cannot be
# found so, and are kept apart.
package authz

import rego.v1

default allow := false

allow if {
	some scope in input.scopes
	some prefix in data.rules[scope][input.method].segments[input.segment]
	startswith(input.path, prefix)
}

allow if {
	some scope in input.scopes
	some prefix in data.rules[scope][input.method].others
	startswith(input.path, prefix)
}
