"""top= and bottom=: the best groups by a column, the best rows by a value."""
from steps import get, params, query, scenario, stable, write

# a: 0…4, b: 10…6, c: 3 five times, d: no number
LOADS = "\n".join([f"load,host=a v={n},n={n}i {n * 10}" for n in range(5)] + [f"load,host=b v={10 - n},n=9i {n * 10}" for n in range(5)]
                  + [f"load,host=c v=3,n=9i {n * 10}" for n in range(5)] + ['load,host=d s="x" 0'])


def groups(text, hosts, **rest):
    return query("measurement=load&epoch=ns&fields=v&group_by=host&agg=mean,max&start=0&" + text,
                 series=[({"host": host}, rows) for host, rows in hosts], **rest)


def best(text, *rows):
    return get("/v1/query?measurement=load&epoch=ns&format=csv&" + text, text="".join(row + "\n" for row in rows))


A, B, C = [[0, 2.0, 4.0]], [[0, 8.0, 10.0]], [[0, 3.0, 3.0]]

SCENARIOS = [
    scenario("the best groups, best first",
             write(LOADS),
             stable(groups("top=1,mean_v", [("b", B)]), groups("top=2,mean_v", [("b", B), ("c", C)]),
                    groups("top=9,max_v", [("b", B), ("a", A), ("c", C)]), groups("bottom=2,max_v", [("c", C), ("a", A)]),
                    groups("top=1,mean_v&where=v<8", [("b", [[0, 6.5, 7.0]])]),
                    groups("top=2,mean_v&every=20ns", [("b", [[0, 9.5, 10.0], [20, 7.5, 8.0], [40, 6.0, 6.0]]),
                                                       ("c", [[0, 3.0, 3.0], [20, 3.0, 3.0], [40, 3.0, 3.0]])]),
                    groups("top=1,max_v&every=20ns&order=desc", [("b", [[40, 6.0, 6.0], [20, 7.5, 8.0], [0, 9.5, 10.0]])]))),
    scenario("of equal groups the first in order",
             write(LOADS),
             query("measurement=load&epoch=ns&fields=n&group_by=host&agg=max&top=1,max_n", series=[({"host": "b"}, [[0, 9]])]),
             query("measurement=load&epoch=ns&fields=n&group_by=host&agg=max&top=2,max_n",
                   series=[({"host": "b"}, [[0, 9]]), ({"host": "c"}, [[0, 9]])])),
    scenario("the best rows of all series",
             write(LOADS),
             stable(best("fields=v&top=3,v", "time,host,v", "0,b,10.0", "10,b,9.0", "20,b,8.0"),
                    best("fields=v&bottom=2,v", "time,host,v", "0,a,0.0", "10,a,1.0"),
                    best("fields=v&top=2,v&where=v<8&start=1", "time,host,v", "30,b,7.0", "40,b,6.0"),
                    best("fields=x,v&let=x=v*v-9*v&bottom=1,x&match=host%3Da", "time,host,x,v", "40,a,-20.0,4.0"),
                    best("fields=s&top=2,s", "time,host,s"))),
    scenario("faults are named",
             write(LOADS),
             *[query("measurement=load&" + text, 400, code="bad_parameter", contains=part) for text, part in [
                 ("top=5", "5,mean_user"), ("top=0,v", "from 1 on"), ("fields=v&top=5,n", "no column of the answer"), ("top=1,v&bottom=1,v", "leave one"),
                 ("top=1,v&limit=2", "leave it out"), ("top=1,v&versions=all", "one S"), ("top=1,v&order=desc", "best row"),
                 ("agg=max&fields=v&top=1,v", "max_v"), ("top=10000001,v", "page_rows_max")]],
             get("/v1/query?measurement=load&fields=v&format=csv&epoch=ns", params=params(top=["10000000,v"], where=["v>9"]),
                 text="time,host,v\n0,b,10.0\n")),
]
