# Two published dose-response claims asked again, a second time: five energy forms, and without each cycle.
#
#   Rscript stands_reference.R RAW_DIR OUT_DIR
#
# Tao 2008 (18:3, quintile 5 against 1, people told of diabetes, dietary weights) and Wu 2024 (phosphorus, quintiles 1, 4
# and 5 against 2, MEC weights), from the raw .xpt files of the three cycles. Writes stands_R.csv to OUT_DIR: study,
# item, level, n, cases, odds_ratio, std_error (log scale), trend_slope (log odds per unit of the groups' medians),
# log_or_low, log_or_high, levels_p (spline of four knots: 5th and 95th percentile against the median, the larger
# one-sided p), and the first four by the lenient rule (other_rule_).
# Made with R 4.2.2, survey 4.1.1, Hmisc 4.8.0, foreign 0.8.84.

suppressPackageStartupMessages(library(survey))
args <- commandArgs(TRUE)
raw <- args[1]; out <- args[2]
suffix <- c("1999" = "", "2001" = "_B", "2003" = "_C")
tight <- glm.control(epsilon = 1e-13, maxit = 50)

read_cycle <- function(cycle) {
  read <- function(table, ...) {
    frame <- foreign::read.xport(file.path(raw, cycle, paste0(table, suffix[[cycle]], ".xpt")))
    take <- c(...)
    setNames(frame[c("SEQN", take)], c("SEQN", if (is.null(names(take))) take else names(take)))
  }
  last <- cycle == "2003"
  recall <- if (last) {
    read("DR1TOT", status = "DR1DRSTZ", fat = "DR1TP183", phosphorus = "DR1TPHOS", energy = "DR1TKCAL", day = "WTDRD1")
  } else {
    status <- if (cycle == "1999") "DRDDRSTS" else "DRDDRSTZ"
    read("DRXTOT", status = status, fat = "DRXTP183", phosphorus = "DRXTPHOS", energy = "DRXTKCAL", day = "WTDRD1",
         day4 = "WTDR4YR")
  }
  design <- c(age = "RIDAGEYR", seen = "RIDSTATR", sex = "RIAGENDR", race = "RIDRETH1", mec = "WTMEC2YR",
              stratum = "SDMVSTRA", psu = "SDMVPSU", if (!last) c(mec4 = "WTMEC4YR"))
  people <- Reduce(function(a, b) merge(a, b, by = "SEQN", all.x = TRUE), list(
    do.call(read, c("DEMO", as.list(design))), read("LEXPN", left = "LEALPN", right = "LEARPN"), recall,
    read("DIQ", told = "DIQ010")))
  for (name in c("day4", "mec4")) if (last) people[[name]] <- NA_real_
  people$cycle <- as.integer(cycle)
  people[c("SEQN", "cycle", "age", "seen", "sex", "race", "mec", "mec4", "stratum", "psu", "left", "right", "status",
           "fat", "phosphorus", "energy", "day", "day4", "told")]
}
people <- do.call(rbind, lapply(names(suffix), read_cycle))

# Strict rule: a case has an insensate site on either foot; free of it is whoever has none on two assessed feet.
foot <- function(x) ifelse(!is.na(x) & x >= 0, x, NA)
left <- foot(people$left); right <- foot(people$right)
people$pn <- ifelse(pmax(left, right, na.rm = TRUE) >= 1, 1, ifelse(is.na(left) | is.na(right), NA, 0))
people$strict <- people$pn
people$lenient <- ifelse(pmax(left, right, na.rm = TRUE) >= 1, 1, ifelse(is.na(left) & is.na(right), NA, 0))
people$sex <- factor(people$sex); people$race <- relevel(factor(people$race), "3")

pooled <- function(two, four, cycles) {
  weight <- if (length(cycles) == 3) ifelse(people$cycle == 2003, two / 3, four * 2 / 3)
    else if (setequal(cycles, c(1999, 2001))) four else two / 2
  ifelse(people$cycle %in% cycles & !is.na(weight), weight, 0)
}

# ---- one claim in one variation ------------------------------------------------------------------------------------
ask_by <- function(rule, claim, form, cycles, level) {
  people$pn <- people[[rule]]
  eligible <- with(people, cycle %in% cycles & age >= 40 & seen == 2 & !is.na(pn) & !is.na(status) & status == 1 &
                     !is.na(get(claim$exposure)) & (!claim$told | (!is.na(told) & told == 1)))
  x <- people[[claim$exposure]]; energy <- people$energy
  data <- people
  extra <- character()
  if (form == "linear") { data$e1 <- energy; extra <- "e1" }
  if (form == "spline") {
    knots <- quantile(energy[eligible], c(0.05, 0.35, 0.65, 0.95))
    basis <- Hmisc::rcspline.eval(ifelse(is.na(energy), 0, energy), knots = knots, inclx = TRUE)
    for (j in 1:3) data[[paste0("e", j)]] <- basis[, j]
    extra <- paste0("e", 1:3)
  }
  if (form == "residual") {
    line <- coef(lm(x[eligible] ~ energy[eligible]))
    x <- x - line[[1]] - line[[2]] * energy + mean(x[eligible])
  }
  if (form == "density") x <- 1000 * x / energy
  cuts <- quantile(x[eligible], 1:4 / 5)
  group <- 1 + findInterval(x, cuts, left.open = TRUE)
  data$eligible <- eligible
  data$quintile <- relevel(factor(ifelse(eligible, group, claim$reference)), as.character(claim$reference))
  data$middle <- ifelse(eligible, tapply(x[eligible], group[eligible], median)[ifelse(eligible, group, 1)], 0)
  data$weight <- if (claim$weights == "mec") pooled(people$mec, people$mec4, cycles) else pooled(people$day, people$day4, cycles)
  kept <- data[data$weight > 0, ]
  design <- subset(svydesign(ids = ~psu, strata = ~stratum, weights = ~weight, nest = TRUE, data = kept), eligible)
  fit_on <- function(term) svyglm(reformulate(c(term, "age", "sex", "race", extra), "pn"), design,
                                  family = quasibinomial, control = tight)
  fit <- fit_on("quintile"); trend <- coef(fit_on("middle"))[["middle"]]
  ends <- levels_of(x, eligible, kept, design, extra)
  do.call(rbind, lapply(claim$groups, function(k) {
    term <- paste0("quintile", k)
    data.frame(study = claim$study, item = sprintf(claim$item, k), level = level, n = nobs(fit),
               cases = sum(kept$pn[kept$eligible]), odds_ratio = exp(coef(fit)[[term]]),
               std_error = sqrt(diag(vcov(fit)))[[term]], trend_slope = trend, ends)
  }))
}

# Odds at the 5th and 95th percentile against the median.
levels_of <- function(x, eligible, kept, design, extra) {
  knots <- quantile(x[eligible], c(0.05, 0.35, 0.65, 0.95))
  basis <- function(at) Hmisc::rcspline.eval(at, knots = knots, inclx = TRUE)
  full <- basis(ifelse(eligible, x, knots[[1]]))
  names <- paste0("b", 1:3)
  rows <- as.integer(rownames(design$variables))
  for (j in 1:3) design$variables[[names[j]]] <- full[rows, j]
  fit <- svyglm(reformulate(c(names, "age", "sex", "race", extra), "pn"), design, family = quasibinomial, control = tight)
  at <- basis(quantile(x[eligible], c(0.05, 0.5, 0.95)))
  contrast <- at[c(1, 3), ] - at[c(2, 2), ]
  found <- drop(contrast %*% coef(fit)[names])
  error <- sqrt(diag(contrast %*% vcov(fit)[names, names] %*% t(contrast)))
  data.frame(log_or_low = found[1], log_or_high = found[2], levels_p = max(pt(-found / error, fit$df.residual)))
}

ask <- function(...) {
  own <- ask_by("strict", ...); other <- ask_by("lenient", ...)[c("n", "cases", "odds_ratio", "std_error")]
  cbind(own, setNames(other, paste0("other_rule_", names(other))))
}

claims <- list(
  list(study = "Tao 2008", item = "18:3, quintile %d v 1, OR", exposure = "fat", told = TRUE, weights = "dietary",
       groups = 5, reference = 1, own = "linear"),
  list(study = "Wu 2024", item = "phosphorus, quintile %d v 2, OR", exposure = "phosphorus", told = FALSE,
       weights = "mec", groups = c(1, 4, 5), reference = 2, own = "none"))
every <- c(1999, 2001, 2003)
rows <- lapply(claims, function(claim) rbind(
  do.call(rbind, lapply(c("none", "linear", "spline", "residual", "density"), function(form) ask(claim, form, every, form))),
  do.call(rbind, lapply(every, function(cycle)
    ask(claim, claim$own, setdiff(every, cycle), sprintf("without %d-%d", cycle, cycle + 1))))))
found <- do.call(rbind, rows)
numbers <- vapply(found, is.double, TRUE)
found[numbers] <- lapply(found[numbers], function(x) format(x, digits = 17, trim = TRUE))
write.csv(found, file.path(out, "stands_R.csv"), row.names = FALSE, quote = TRUE)
