//! Problems in styles the generator does not use, with answers worked out by hand.

use super::{Number, solve};

const PROBLEMS: &[(&str, &str)] = &[
    (
        "Natalia sold 48 clips in April. In May she sold half as many. How many clips did Natalia sell altogether?",
        "72",
    ),
    (
        "There are 15 birds on a wire. 6 birds fly away and 4 more arrive. How many birds are there now?",
        "13",
    ),
    ("I have seven oranges and eat two of them. How many oranges do I have left?", "5"),
    (
        "A baker makes twelve loaves every hour. How many loaves does the baker make in 5 hours?",
        "60",
    ),
    ("Tickets cost £8 each. What is the total price of 6 tickets?", "48"),
    (
        "If a pen costs $1.50 and a ruler costs 75 cents, how much do 4 pens and 2 rulers cost?",
        "7.5",
    ),
    ("What is (12 + 8) * 3 - 10 / 4?", "57.5"),
    ("What is 15% of 80?", "12"),
    (
        "A jacket costs $80. It is on sale with a 25% discount. How much does the jacket cost now?",
        "60",
    ),
    ("Olivia has $23. She bought five bagels for $3 each. How much money does she have left?", "8"),
    ("A car drives at 90 km per hour for 2 and a half hours. How far does it go?", "225"),
    ("Three friends share $45 equally. How much money does each friend get?", "15"),
    (
        "Jack has 5 apples, Jill has 7 apples and Bill has 9 apples. How many apples do they have in total?",
        "21",
    ),
    ("Mum baked two dozen cookies. The children ate 9 of them. How many cookies remain?", "15"),
    (
        "A tank contains 200 litres of water. 35% of the water is used. How many litres of water are left?",
        "130",
    ),
    ("Sarah is 12 years old. Her brother Tom is 3 years older than Sarah. How old is Tom?", "15"),
    (
        "There are 7 rows of 14 chairs in a hall. 23 chairs are removed. How many chairs are left?",
        "75",
    ),
    (
        "Weng earns $12 an hour for babysitting. Yesterday, she worked 3 hours. How much did she earn?",
        "36",
    ),
    ("A farmer has 36 eggs and packs them into cartons of 6. How many cartons does he need?", "6"),
    ("Ken divides 50 marbles equally among 8 children. How many marbles are left over?", "2"),
    (
        "Peter read 20 pages on Monday and twice as many pages on Tuesday. How many pages did he read in total?",
        "60",
    ),
    ("A class of 28 children is split into groups of 4. How many groups are there?", "7"),
    ("The ribbon is 3 metres long. How many centimetres long is the ribbon?", "300"),
    ("A meal costs $40. We add a 20% tip. How much do we pay?", "48"),
    ("Two fifths of the 30 pupils wear glasses. How many pupils do not wear glasses?", "18"),
    (
        "Ahmed had 40 stickers. He gave 12 to his sister and 8 to his brother, then bought 15 more. How many stickers does he have now?",
        "35",
    ),
    ("A shop sells 14 cakes for $6 each. How much money does the shop make?", "84"),
    (
        "Emma picks 4 baskets of 15 strawberries. She eats 12 strawberries. How many strawberries does she have?",
        "48",
    ),
    (
        "After buying 6 more fish, Leo has 20 fish. He gives 5 fish to a friend. How many fish does Leo have?",
        "15",
    ),
    ("Tom had some apples. He ate 3 apples. How many apples does he have left?", "?"),
    ("A hen lays 5 eggs a week. How many eggs does the moon weigh?", "?"),
    (
        "On Monday the bakery sold 30 rolls and on Tuesday it sold 12 more than on Monday. How many rolls did it sell on Tuesday?",
        "42",
    ),
    ("Anna walks 4 km to school and 4 km back each day. How many km does she walk in 5 days?", "?"),
    ("What is twelve divided by four?", "3"),
];

#[test]
fn hand_written_problems_are_solved_right_or_declined() {
    let mut wrong = Vec::new();
    for (text, answer) in PROBLEMS {
        let expected = Number::read(answer);
        let found = solve(text).ok();
        if found.as_ref().map(|solution| solution.value) != expected {
            wrong
                .push(format!("{text} => {answer}, got {:?}", found.map(|found| found.expression)));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
