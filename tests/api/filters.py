"""where= and let=: conditions on values, computed columns, and both with windows, versions, pages and caches."""
from reads import pages, problem
from steps import Saved, params, query, scenario, stable, write

# volt 0, 10, … 90; amp is missing where n % 3 == 2; state on or off
PLANT = "\n".join(f"plant,unit={unit} volt={n * 10},n={n}i,state=\"{'on' if n % 2 else 'off'}\",ok={'t' if n > 4 else 'f'}"
                  + ("" if n % 3 == 2 else f",amp={n + extra}i") + f" {n}"
                  for unit, extra in [("a", 0), ("b", 100)] for n in range(10))


def ask(text, want=200, **rest):
    return query("measurement=plant&epoch=ns&" + text, want, **rest)


def where(*conditions, more="", **rest):
    return ask("fields=n&match=unit%3Da" + more, params=params(where=list(conditions)), **rest)


def rows(*numbers):
    return [[n, n] for n in numbers]


def computed(lets, more="", wheres=(), **rest):
    return ask("match=unit%3Da" + more, params=params(let=list(lets), where=list(wheres)), **rest)


MANY = "\n".join(f"p,host=h{s} v={n % 17},w={n}i {n * 10 + s}" for s in range(3) for n in range(60))

SCENARIOS = [
    scenario("conditions on numbers, texts and bools",
             write(PLANT),
             stable(where("volt>70", rows=rows(8, 9)), where("volt>=70", rows=rows(7, 8, 9)), where("volt<10", rows=rows(0)),
                    where("volt<=10", rows=rows(0, 1)), where("volt=30", rows=rows(3)), where("n!=5", "n>3", rows=rows(4, 6, 7, 8, 9)),
                    where("volt>25", "volt<45", rows=rows(3, 4)), where("n>6.5", rows=rows(7, 8, 9)), where(" n >= 9 ", rows=rows(9)),
                    where("state=on", "n<4", rows=rows(1, 3)), where('state="off"', "n<4", rows=rows(0, 2)),
                    where("state!=on", "n<4", rows=rows(0, 2)), where("ok=true", rows=rows(5, 6, 7, 8, 9)),
                    where("ok!=true", rows=rows(0, 1, 2, 3, 4)), where("volt>1e9", rows=[]), where("n=5.5", rows=[]))),
    scenario("a row without the value passes nothing",
             write(PLANT),
             stable(where("amp>=0", rows=rows(0, 1, 3, 4, 6, 7, 9)), where("amp!=3", rows=rows(0, 1, 4, 6, 7, 9)),
                    where("nothing!=3", rows=[]))),
    scenario("integers beyond doubles compare exactly",
             write("m v=9007199254740992i 1\nm v=9007199254740993i 2\nm v=18446744073709551615u 3"),
             *[query("measurement=m&epoch=ns", params=params(where=[text]), rows=[[t, v] for t, v in
                                                                                  [(1, 9007199254740992), (2, 9007199254740993),
                                                                                   (3, 18446744073709551615)] if t in times])
               for text, times in [("v>9007199254740992", (2, 3)), ("v=9007199254740993", (2,)), ("v>=9007199254740992.0", (1, 2, 3)),
                                   ("v<18446744073709551615", (1, 2)), ("v<1.8446744073709551616e19", (1, 2, 3))]]),
    scenario("conditions are on the newest version, and on what was known as of then",
             write("m v=1,w=1 1\nm v=2,w=2 2"),
             query("measurement=m&epoch=ns", params=params(where=["v>1"]), rows=[[2, 2.0, 2.0]], save={"then": "as_of"}),
             write("m v=5 1\nm v=0 2"),
             stable(query("measurement=m&epoch=ns", params=params(where=["v>1"]), rows=[[1, 5.0, 1.0]])),
             query("measurement=m&epoch=ns&versions=all&fields=v&format=csv", params=params(where=["v>1"]),
                   contains="5.0")),
    scenario("windows are of rows that pass",
             write(PLANT),
             stable(ask("fields=volt&agg=count,max&group_by=unit", params=params(where=["amp>100", "volt<80"]),
                        series=[({"unit": "b"}, [[1, 5, 70.0]])]),
                    ask("fields=volt&agg=sum&match=unit%3Da", params=params(where=["n>=8"]), rows=[[8, 170.0]]),
                    ask("fields=volt&agg=sum", params=params(where=["n>=0"]), rows=[[0, 900.0]]))),
    scenario("computed columns",
             write(PLANT),
             stable(computed(["power=volt*amp"], "&fields=power,n&end=4", rows=[[0, 0.0, 0], [1, 10.0, 1], [2, None, 2], [3, 90.0, 3]]),
                    computed(["power=volt*amp", "half=power/2"], "&fields=half&end=4", rows=[[0, 0.0], [1, 5.0], [3, 45.0]]),
                    computed(["x=-(n-1)*2+volt/10"], "&fields=x&end=3", rows=[[0, 2.0], [1, 1.0], [2, 0.0]]),
                    computed(["x=1/n"], "&fields=x&end=3", rows=[[1, 1.0], [2, 0.5]]),
                    computed(["x=state*2"], "&fields=x", rows=[]),
                    computed(["x=n+1"], "&end=1", columns=["time", "amp", "n", "ok", "state", "volt", "x"]),
                    computed(["power=volt*amp"], "&fields=n", ["power>300"], rows=rows(6, 7, 9)),
                    computed(["power=volt*amp"], "&fields=power&agg=max,count", rows=[[0, 810.0, 7]]),
                    computed(['"my power"=volt*"amp"'], '&fields=my%20power&start=9', columns=["time", "my power"], rows=[[9, 810.0]]))),
    scenario("pages and orders of rows that pass",
             write(MANY),
             pages("measurement=p&epoch=ns&where=v>14&where=w<50", 2),
             pages("measurement=p&epoch=ns&order=desc&let=x=v*2&where=x>=30", 3),
             pages("measurement=p&epoch=ns&agg=count,sum&every=100ns&group_by=host&where=v>3&let=x=v-w", 4)),
    scenario("the tag of an answer tells conditions apart",
             write(PLANT),
             where("n>5", save={"tag": "header:etag"}),
             where("n>5", want=304, headers={"If-None-Match": Saved("tag")}),
             where("n>6", headers={"If-None-Match": Saved("tag")}, rows=rows(7, 8, 9))),
    scenario("faults are named",
             write(PLANT),
             *[ask("", 400, params=params(**{name: values}), code="bad_parameter", contains=part) for name, values, part in [
                 ("where", ["volt"], "want a field"), ("where", ["volt>high"], "with a number"), ("where", ["volt=on"], "holds numbers"),
                 ("where", ["state>1"], "text in double quotes"), ("where", ["ok=1"], "true or false"), ("where", ['state="on'], "closing quote"),
                 ("let", ["x"], "want a name"), ("let", ["x=volt+"], "ends where"), ("let", ["x=3"], "names no field"),
                 ("let", ["volt=n*2"], "is a field of"), ("let", ["x=y", "y=n"], "computed later"), ("let", ["x=" + "(" * 33 + "n" + ")" * 33], "more than 32"),
                 ("let", ["x=n" + "+n" * 128], "more than 256"), ("where", ["n>0"] * 65, "at most 64"), ("let", [f"x{i}=n" for i in range(65)], "at most 64")]],
             ask("match=unit%3Da&fields=x&end=1", params=params(let=["x=" + "(" * 32 + "n" + ")" * 32]), rows=[[0, 0.0]]),
             ask("match=unit%3Da&fields=n&end=1", params=params(where=["n>=0"] * 64), rows=rows(0))),
]
