-- One attempt a line to learn of columns that are not for this reader: salary, diagnosis, email, fraud, wealth, wealth_again.
-- whole rows
select people from people order by user_id limit 5
select p from people p order by 1 limit 5
select people.* from people order by user_id
select * from people order by user_id
from people order by user_id
table people order by user_id
select row(p.*) from people p order by user_id
select struct_pack(*columns(*)) from people
select struct_pack(x := p) from people p order by 1 limit 3
select to_json(p) from people p order by user_id limit 3
select to_json(people) from people order by user_id limit 3
select p::json from people p order by user_id limit 3
select p::varchar from people p order by user_id limit 3
select hash(p) from people p order by user_id limit 3
select md5(p::varchar) from people p order by user_id limit 3
select list(p) from people p
select array_agg(p order by p.user_id) from people p where user_id < 4
select count(distinct p) from people p
select min(p), max(p) from people p
select first(p order by user_id) from people p
select histogram(p) from people p where user_id < 4
select json_group_array(p) from people p
select json_group_object(user_id, p) from people p where user_id < 4
select unnest(p) from people p order by user_id limit 2
select unnest(p, recursive := true) from people p order by user_id limit 2
select unnest([p]) from people p order by 1 limit 2
select p.salary from people p
select (p).salary from people p
select p['salary'] from people p
select struct_extract(p, 'salary') from people p
select json_extract(to_json(p), '$.salary') from people p order by user_id limit 3
select to_json(p)->>'diagnosis' from people p order by user_id limit 3
select json_keys(to_json(p)) from people p limit 1
select struct_insert(p, x := 1) from people p order by user_id limit 2
select map_from_entries([(p.user_id, p)]) from people p order by user_id limit 2
select typeof(p) from people p limit 1
select struct_keys(p) from people p limit 1
select struct_values(p) from people p order by user_id limit 1
select p = p, p > (select q from people q order by user_id limit 1) from people p order by user_id limit 3
select p from people p group by p order by p limit 3
select distinct on (p) user_id from people p order by p, user_id limit 3
select coalesce(p, p) from people p order by user_id limit 2
select [p, p] from people p order by user_id limit 1
select {'a': p} from people p order by user_id limit 1
select x from (select p as x from people p) order by x.user_id limit 2
select x.salary from (select p as x from people p)
select format('{}', p) from people p order by user_id limit 2
select concat(p) from people p order by user_id limit 2
select printf('%s', p::varchar) from people p order by user_id limit 2
-- stars and COLUMNS
select columns(*) from people order by user_id limit 2
select columns('.*') from people order by user_id limit 2
select columns('sal.*') from people
select columns('(?i)DIAG.*') from people
select columns(lambda c: c like 'sal%') from people
select columns(lambda c: c not like 'u%') from people order by all limit 2
select columns(['salary', 'amount']) from people
select min(columns(*)) from people
select count(columns(*)) from people
select columns(* exclude (amount)) from people order by user_id limit 2
select * exclude (salary) from people
select * exclude (amount) from people order by user_id limit 2
select * replace (salary as amount) from people
select * replace (1 as salary) from people
select * replace (amount * 2 as amount) from people order by user_id limit 2
select * rename (salary as s) from people
select * rename (amount as s) from people order by user_id limit 2
select * like 'sal%' from people
select * ilike 'S%' from people
select * similar to 'sal.*' from people
select * glob 's*' from people
select columns(*)::varchar from people order by user_id limit 2
select unpack(columns(*)) from people limit 2
select coalesce(*columns(*)) from people limit 2
select greatest(*columns('sal.*')) from people limit 2
select * from people where columns(*) is not null order by user_id limit 2
select * from people where columns('sal.*') > 0
select * from people order by columns('sal.*')
select * from people order by all limit 3
select sum(columns(* exclude (country, "at", active))) from people
-- alias lists
select a, b, c, d, e, f from people as t(a, b, c, d, e, f) order by a limit 2
select a, b, c, d, e, f, g from people as t(a, b, c, d, e, f, g)
select a, b, c, d, e, f, g, h, i from people as t(a, b, c, d, e, f, g, h, i)
select a from people t(a) order by a limit 2
select * from people as t(user_id, "at", amount, country, active, salary) order by 1 limit 2
select salary from people as t(a, b, c, d, e, salary) order by a limit 2
select salary from people as t(salary) order by 1 limit 2
select t.salary from (select * from people) t
with t(a, b, c, d, e, f, g, h) as (select * from people) select h from t
with t(salary) as (select user_id from people) select salary from t order by 1 limit 2
-- plain references
select salary from people
select people.salary from people
select main.people.salary from people
select memory.main.people.salary from people
select temp.main.people.salary from people
select "salary" from people
select "SALARY" from people
select SALARY from people
select `salary` from people
select 'salary' from people limit 1
select [salary] from people
select sal/**/ary from people
select salary/*x*/from people
select salary -- x
select U&"sal\0061ry" from people
select "sal"||"ary" from people
select "salаry" from people
select ｓａｌａｒｙ from people
select "salary​" from people
select "﻿salary" from people
select "salary " from people
select "sаlary", "diagnοsis" from people
select x'73616c617279' from people limit 1
select getfield(people, 'salary') from people
-- where, order, join, having
select user_id from people where salary > 7000000
select user_id from people where diagnosis like 'SECRET-1%'
select user_id from people where p.salary is not null
select count(*) from people where salary between 0 and 9999999
select user_id from people order by salary
select user_id from people order by salary limit 1
select user_id from people order by 9
select user_id, amount from people order by 3
select country from people group by country having max(salary) > 0
select country, max(user_id) from people group by country, salary
select max(user_id) from people group by salary
select count(*) from people group by all having avg(salary) > 1
select a.user_id from people a join people b on a.salary = b.salary
select a.user_id from people a join people b using (salary)
select a.user_id from people a natural join people b order by 1 limit 3
select count(*) from people a natural join (select 7104729 as salary) b
select count(*) from people a join (select 1 as user_id, 2 as salary) b using (user_id, salary)
select count(*) from people a left join people b on a.diagnosis = b.diagnosis
select count(*) from people a semi join people b using (salary)
select count(*) from people a anti join people b using (salary)
select count(*) from people a positional join people b
select * from people a positional join (select * from people order by user_id desc) b order by 1 limit 2
select a.user_id from people a asof join people b on a.user_id = b.user_id and a.salary >= b.salary
select count(*) from people a cross join people b where a.salary < b.salary
select user_id from people where (user_id, salary) in (select user_id, salary from people)
select user_id from people where salary in (7104729)
select user_id from people qualify row_number() over (order by salary) = 1
select distinct on (salary) user_id from people
select user_id from people limit (select salary % 7 from people limit 1)
select user_id from people offset (select min(salary) from people)
select user_id from people where user_id = (select count(*) from people where salary > 7500000)
select case when salary > 0 then 1 else 0 end from people
select user_id from people where not (salary = 1)
select count(*) filter (where salary > 7000000) from people
select count(*) filter (where fraud) from people
select sum(case when fraud then 1 else 0 end) from people
select mode(fraud), corr(amount, salary) from people
select country, avg(salary) from people group by rollup (country)
select country from people group by grouping sets ((country), (salary))
select country, salary from people group by cube (country, salary)
-- cte, recursion, lateral, correlated, window
with c as (select salary from people) select * from c
with c as (select * from people) select salary from c
with c as (select * from people) select * from c order by user_id limit 2
with people as (select 1 as salary) select salary from people
with c as materialized (select p from people p) select p.salary from c
with recursive r(n) as (select min(salary) from people union all select n + 1 from r where n < 3) select * from r
with recursive r as (select 1 as n union all select n + 1 from r where n < 5) select n, (select count(*) from people where user_id = n) from r order by n
with recursive r as (select user_id, salary from people union select user_id, salary from r) select * from r
select p.user_id, l.s from people p, lateral (select p.salary as s) l
select p.user_id, l.s from people p, lateral (select max(salary) as s from people q where q.user_id = p.user_id) l
select p.user_id, l.* from people p, lateral (select p.*) l order by 1 limit 2
select (select max(salary) from people) from people
select (select max(q.salary) from people q where q.user_id = p.user_id) from people p
select exists (select 1 from people q where q.salary > p.user_id) from people p
select exists (select salary from people) from people limit 1
select user_id from people p where amount < all (select salary from people)
select rank() over (order by salary) from people
select user_id, sum(salary) over (partition by country) from people
select lag(salary) over (order by user_id) from people
select lead(p) over (order by user_id) from people p order by user_id limit 2
select first_value(people) over (order by user_id) from people limit 1
select ntile(4) over w from people window w as (order by salary)
select list_transform([1, 2], lambda x: x + salary) from people
select list_transform([1, 2], x -> x + salary) from people
select list_transform([1, 2], lambda x: x + amount) from people order by user_id limit 2
select list_filter([1, 2], lambda x: x < salary) from people
select [x for x in [1, 2] if x < salary] from people
select list_reduce([1, 2], lambda a, b: a + salary) from people
select list_aggregate(list(salary), 'sum') from people
select user_id from people union all select salary from people
select user_id from people intersect select salary from people
select user_id from people except select salary from people order by 1
select * from people union by name select 1 as salary, 1 as user_id order by user_id, amount limit 3
select * from (select * from people) order by user_id limit 1
select * from (from people select salary)
select * from (values (1)) v(x) join people on v.x = people.salary
-- derived features and their inputs
select wealth from people
select wealth_again from people
select doubled - amount * 2 from people order by user_id limit 2
select sum(wealth) from people
-- errors as an answer
select error(salary) from people
select cast(diagnosis as int) from people
select cast(people as int) from people
select 1 / (salary - 7104729) from people
select case when salary > 1 then error('big') end from people
select user_id from people where error(p::varchar) from people p
select error(p::varchar) from people p limit 1
select cast(p::varchar as int) from people p limit 1
select cast(country as int) from people
select salary::date from people
select nofunction(salary) from people
select substr(salary) from people
select amount + country from people
select sum(country) from people
select * from people where
select salry from people
select amountt from people
select p.amountt from people p
select x.amount from people p
select * from peoplee
select diagnosi from people
-- statistics and the catalogue
summarize people
describe people
show people
show tables
show all tables
explain select salary from people
explain analyze select * from people
select stats(amount) from people limit 1
select stats(salary) from people limit 1
select approx_count_distinct(salary) from people
select approx_quantile(salary, 0.5) from people
select * from information_schema.columns
select * from information_schema.tables
select column_name from information_schema.columns where table_name = 'people'
select * from duckdb_columns()
select * from duckdb_tables()
select * from duckdb_views()
select sql from duckdb_views()
select * from duckdb_settings()
select * from duckdb_functions()
select * from duckdb_constraints()
select * from duckdb_memory()
select * from duckdb_temporary_files()
select * from duckdb_secrets()
select * from duckdb_logs
select * from pg_catalog.pg_attribute
select * from pg_attribute
select * from pg_stats
select * from sqlite_master
select * from pragma_table_info('people')
select * from pragma_show('people')
select * from pragma_storage_info('people')
select * from pragma_database_size()
pragma table_info('people')
pragma show_tables
pragma database_list
pragma enable_profiling
select current_setting('memory_limit')
select getvariable('x')
select rowid from people
select rowid, amount from people order by 1 limit 1
select filename from people
select file_row_number from people
select file_index from people
-- functions that read elsewhere
select * from read_csv('/etc/passwd')
select * from read_csv_auto('/etc/passwd')
select * from read_text('/etc/passwd')
select * from read_blob('/etc/passwd')
select * from read_json('/etc/passwd')
select * from read_parquet('*.parquet')
select * from parquet_scan('*.parquet')
select * from parquet_metadata('*.parquet')
select * from parquet_schema('*.parquet')
select * from '*.parquet'
select * from '/etc/passwd'
select * from "part.parquet"
select * from glob('/**')
select * from sniff_csv('/etc/passwd')
select * from query('select salary from people')
select * from query_table('people')
select * from query_table(['people'])
select * from table_that_is_a_variable
select * from rows
select * from self
select * from sys.modules
select * from arrow_scan(0, 0, 0)
select * from python_arrow_scan()
select * from pandas_scan(0)
select * from seq_scan('people')
select * from index_scan('people')
select * from repeat_row(1, num_rows := 2), people order by user_id limit 2
select * from range(3) r(i), people order by i, user_id limit 2
select * from unnest([1, 2]) u(x), people order by x, user_id limit 2
select * from generate_series(1, 2) g(x) order by 1
select * from json_execute_serialized_sql(json_serialize_sql('select salary from people'))
select json_serialize_sql('select salary from people')
select json_deserialize_sql('{}')
from json_execute_serialized_sql('{}')
select * from sqlite_scan('x', 'y')
select * from postgres_scan('x', 'y', 'z')
select nextval('x')
select setseed(0.5)
select getenv('HOME')
select * from which_secret('x', 'y')
select * from icu_calendar_names()
-- other statements, several statements, comments
select 1; select salary from people
select amount from people; drop view people
select amount from people;; select 1
select 1; --
; select salary from people
select 1 /* ; */ ; select 2
begin; select * from people
create table x as select salary from people
create view x as select salary from people
create macro m() as table select salary from people
create temp macro m(x) as x
insert into people values (1)
update people set amount = 1
delete from people
drop view people
alter table people add column x int
copy people to '/tmp/x.csv'
copy (select salary from people) to '/tmp/x.csv'
copy people from '/etc/passwd'
export database '/tmp/x'
import database '/tmp/x'
attach '/tmp/x.db' as x
detach memory
use memory
install httpfs
load httpfs
force install httpfs
set enable_external_access = true
reset enable_external_access
set variable x = (select 1)
call pragma_version()
checkpoint
vacuum
analyze people
prepare q as select salary from people
execute q
deallocate q
select $1 from people
select ? from people
select $salary from people
select :salary from people
comment on table people is 'x'
pivot people on country using sum(salary)
pivot people on country using sum(amount)
unpivot people on salary
unpivot people on columns(*)
from (pivot people on country using max(salary))
select * from (unpivot people on amount) order by all limit 2
values (1)
merge into people using people p on true when matched then delete
select amount into x from people
select * from people for update
-- samples and odd clauses
select count(*) from people using sample 100 percent (bernoulli, 42)
select salary from people tablesample reservoir(5 rows) repeatable (1)
select user_id from people tablesample 100% where salary > 1
select * from people at (version => 1)
select * from people order by salary nulls first
select * from people limit 10 percent
select * from people fetch first row only
select any_value(salary) from people
select arg_max(user_id, salary) from people
select max_by(user_id, salary) from people
select min(user_id order by salary) from people
select string_agg(country, ',' order by salary) from people
select list(user_id order by salary) from people
select quantile_cont(salary, 0.5) from people
select percentile_cont(0.5) within group (order by salary) from people
select entropy(diagnosis), kurtosis(salary) from people
select bit_xor(salary), bool_or(fraud), product(salary) from people
select regexp_extract(diagnosis, '.*') from people
select levenshtein(diagnosis, 'SECRET-31') from people
select length(diagnosis) from people
select encode(diagnosis), base64(encode(diagnosis)) from people
select ascii(diagnosis), unicode(diagnosis), ord(diagnosis) from people
