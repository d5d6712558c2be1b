-- The questions of agencies, word for word. Two of them are not here: their merge is placed at the
-- border agency, and `tests/system` has them.

-- Q1
SELECT p.holder,p.surname,p.given_names,r.reg_status,r.risk_level FROM person p JOIN offender_registration r USING(holder,person_id) JOIN identifier i USING(holder,person_id) WHERE i.ident_type='PASSPORT' AND i.ident_value='ZZ123456' AND i.issuer='CAN';

-- Q2
SELECT n.holder,n.person_id,n.surname,n.given_names,p.birth_date,name_sim(n.surname||' '||n.given_names,'NGUYEN THI HOA') AS score FROM person_name n JOIN person p USING(holder,person_id) WHERE p.birth_date BETWEEN DATE '1990-01-01' AND DATE '1992-12-31' AND name_sim(n.surname||' '||n.given_names,'NGUYEN THI HOA')>=0.88 ORDER BY score DESC LIMIT 25;

-- Q3
SELECT DISTINCT i.holder,v.unit,v.contact FROM identifier i JOIN involvement w USING(holder,person_id) JOIN investigation v USING(holder,case_no) WHERE i.ident_type='PHONE' AND i.ident_value='+14165550142';

-- Q4
SELECT DISTINCT h.holder,v.unit,v.contact FROM vehicle h JOIN involvement w USING(holder,person_id) JOIN investigation v USING(holder,case_no) WHERE h.plate='ZZZZ481' AND h.plate_juris='ON';

-- Q5
SELECT p.holder,p.person_id,h.make,h.colour FROM person p JOIN offender_registration r USING(holder,person_id) JOIN vehicle h USING(holder,person_id) WHERE substr(p.residence_postal,1,3) IN('M4C','M4E') AND h.make='HONDA' AND h.colour='BLUE' AND r.reg_status='ACTIVE';

-- Q6
SELECT p.surname,p.given_names,p.birth_date,i.ident_value AS passport,t.depart_on,t.return_on FROM travel_notice t JOIN offender_registration r USING(holder,person_id) JOIN person p USING(holder,person_id) JOIN identifier i USING(holder,person_id) WHERE t.destination_country='USA' AND t.depart_on BETWEEN DATE '2026-05-01' AND DATE '2026-05-31' AND r.risk_level='HIGH' AND i.ident_type='PASSPORT';

-- Q9
SELECT direction,crossed_at,port_code,other_country FROM border_crossing WHERE doc_number='ZZ123456' AND doc_issuer='CAN' AND crossed_at>=TIMESTAMP '2025-05-01' ORDER BY crossed_at DESC;

-- Q10
SELECT a.holder,a.alert_type,a.issuer,a.action_code FROM alert a JOIN identifier i USING(holder,person_id) WHERE i.ident_type='PASSPORT' AND i.ident_value='ZZ123456' AND CURRENT_DATE BETWEEN a.valid_from AND a.valid_to;

-- Q11
SELECT a.holder,a.alert_id,v.holder AS seen_by,v.contact FROM alert a JOIN person p USING(holder,person_id) JOIN person q ON q.birth_date=p.birth_date AND q.holder<>p.holder AND name_sim(q.surname,p.surname)>0.9 JOIN involvement w ON w.holder=q.holder AND w.person_id=q.person_id JOIN investigation v ON v.holder=w.holder AND v.case_no=w.case_no WHERE a.alert_type='MISSING' AND v.offence_family='HUMAN_TRAFFICKING' AND w.since>=a.valid_from;

-- Q12
SELECT w1.person_id,v1.holder,v1.case_no,v2.holder AS other_force FROM involvement w1 JOIN investigation v1 ON v1.holder=w1.holder AND v1.case_no=w1.case_no JOIN identifier i1 ON i1.holder=w1.holder AND i1.person_id=w1.person_id JOIN identifier i2 ON i2.ident_type=i1.ident_type AND i2.ident_value=i1.ident_value AND i2.holder<>i1.holder JOIN involvement w2 ON w2.holder=i2.holder AND w2.person_id=i2.person_id AND w2.role='SUSPECT' JOIN investigation v2 ON v2.holder=w2.holder AND v2.case_no=w2.case_no WHERE w1.role='SUSPECT' AND v1.offence_family='HUMAN_TRAFFICKING' AND v2.offence_family='HUMAN_TRAFFICKING';

-- Q13
SELECT province,EXTRACT(year FROM opened_on) AS yr,offence_family,COUNT(*) AS n FROM investigation WHERE offence_family='HUMAN_TRAFFICKING' GROUP BY 1,2,3;

-- Q14
SELECT substr(residence_postal,1,3) AS fsa,COUNT(DISTINCT person_id) AS n FROM person JOIN offender_registration USING(holder,person_id) WHERE reg_status='ACTIVE' GROUP BY 1;

-- Q15
SELECT destination_country,COUNT(*) AS n,AVG(depart_on-notified_on) AS days FROM travel_notice WHERE depart_on>=DATE '2026-01-01' GROUP BY destination_country;

-- Q16
SELECT p.holder,p.birth_date,v.offence_family,v.contact FROM person p JOIN involvement w USING(holder,person_id) JOIN investigation v USING(holder,case_no) WHERE p.surname='TREMBLAY' AND p.birth_date=DATE '1981-03-07' AND w.role='SUSPECT';
