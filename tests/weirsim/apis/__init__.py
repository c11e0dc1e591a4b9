"""Which API answers which path, and what is true of each source.

A module has ROUTES, (methods, pattern, function of (world, request, groups of the pattern)), and TRUTHS: by source a function of (world,
query, first, end, as_of) that yields (tags, time, values) of each row that a client which asked at `as_of` must have: the time is the
beginning of what the row is about."""
from weirsim.apis import ea, eia, elexon, entsoe, generic, metno, neso, oauth, octopus, openmeteo

MODULES = [openmeteo, octopus, eia, entsoe, elexon, neso, metno, ea, generic, oauth]
ROUTES = [route for module in MODULES for route in module.ROUTES]
TRUTHS = {name: function for module in MODULES for name, function in module.TRUTHS.items()}
EXAMPLES = [example for module in MODULES for example in module.EXAMPLES]
